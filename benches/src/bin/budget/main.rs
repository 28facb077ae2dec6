//! How many instructions a task takes of the parent, checked against what is on record.
//!
//! ```sh
//! cargo run --release -p procpool-benches --bin budget            # check
//! cargo run --release -p procpool-benches --bin budget -- --write # record anew
//! ```
//!
//! Times are noisy, instructions are not: valgrind's callgrind counts those of one function, so that a
//! change that makes a task dearer is seen on a busy machine too. The record is `benches/budget.toml`.
//! Without valgrind nothing is checked, and the exit status is 77.
#![forbid(unsafe_code)]

mod counter;
mod parts;
mod record;

use std::env;
use std::process::ExitCode;

use counter::Counter;
use parts::Part;
use record::{Record, Verdict};

/// As `.ci/run` has it for what is not installed.
const SKIPPED: u8 = 77;

fn main() -> ExitCode {
    procpool::init();
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => check(),
        ["--write"] => write(),
        [counter::PART, name] => run(name),
        _ => {
            eprintln!("the only argument that there is: --write");
            ExitCode::FAILURE
        }
    }
}

/// In the process whose instructions are counted.
fn run(name: &str) -> ExitCode {
    match Part::ALL.iter().find(|part| part.name == name) {
        Some(part) => {
            (part.run)();
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    }
}

fn check() -> ExitCode {
    let Some(counter) = Counter::find() else {
        println!("skipped: valgrind is not installed");
        return ExitCode::from(SKIPPED);
    };
    let record = match Record::read() {
        Ok(record) => record,
        Err(error) => {
            eprintln!("benches/budget.toml: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "instructions for each task, ± {} % of the record",
        record.tolerance()
    );
    let mut is_over = false;
    for part in Part::ALL {
        let counted = match counter.count(part) {
            Ok(counted) => counted,
            Err(error) => {
                eprintln!("{}: {error}", part.name);
                return ExitCode::FAILURE;
            }
        };
        let verdict = record.judge(part.name, counted);
        println!("{:10} {counted:>8.0}  {verdict}", part.name);
        is_over |= matches!(verdict, Verdict::Over { .. } | Verdict::Unknown);
    }
    match is_over {
        true => {
            eprintln!(
                "if that is meant, record it: cargo run --release -p procpool-benches --bin budget -- --write"
            );
            ExitCode::FAILURE
        }
        false => ExitCode::SUCCESS,
    }
}

fn write() -> ExitCode {
    let Some(counter) = Counter::find() else {
        eprintln!("valgrind is not installed");
        return ExitCode::FAILURE;
    };
    let counted: Result<Vec<_>, _> = Part::ALL
        .iter()
        .map(|part| counter.count(part).map(|counted| (part, counted)))
        .collect();
    match counted.and_then(|counted| Record::write(&counted)) {
        Ok(path) => {
            println!("recorded in {}", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
