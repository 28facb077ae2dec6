//! Runs functions that abort, exit, overflow the stack or are killed, among five hundred that don't.
//!
//! It shows that a function that crashes its process fails its own task only. Every good task gives
//! its result, and every bad one an error that says what happened.
//!
//! ```console
//! $ cargo run --release --example crash_isolation
//! ```
//!
//! The workers also report the stack overflow on stderr.
#![forbid(unsafe_code)]

use std::hint::black_box;

use anyhow::{Context as _, bail, ensure};
use futures::future::join_all;
use procpool::{ProcessPool, TaskError};
use procpool_examples::{Align, Table, workers_at_once};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

const WORKERS: usize = 4;
const TASKS: u64 = 500;
/// Every task with a multiple of this number is bad.
const BAD_EVERY: usize = 25;

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Deed {
    /// Returns a number.
    Add(u64),
    /// Panics: the worker survives.
    Panic,
    /// Aborts, as C libraries do when an assertion fails.
    Abort,
    /// Exits, as a library does that assumes it owns the program.
    Exit,
    /// Recurses without end.
    Overflow,
    /// Dies by SIGSEGV, as after the use of an invalid pointer.
    Segfault,
    /// Dies by SIGKILL, as the kernel kills a process that uses too much memory.
    Kill,
}

const BAD: [Deed; 6] = [
    Deed::Panic,
    Deed::Abort,
    Deed::Exit,
    Deed::Overflow,
    Deed::Segfault,
    Deed::Kill,
];

#[procpool::main]
async fn main() -> anyhow::Result<()> {
    let pool = ProcessPool::builder().workers(WORKERS).build()?;
    let deeds = deeds();
    let results = join_all(deeds.iter().map(|deed| pool.run_in_process(perform, *deed))).await;

    let mut table = Table::new(&[
        ("TASK", Align::Right),
        ("DEED", Align::Left),
        ("KIND", Align::Left),
        ("PID", Align::Right),
        ("ERROR", Align::Left),
    ]);
    let mut good = 0;
    for (number, (deed, result)) in deeds.iter().zip(results).enumerate() {
        check(*deed, &result).with_context(|| format!("task {number}, {deed:?}"))?;
        match result {
            Ok(_) => good += 1,
            Err(error) => {
                let cells = [number.to_string(), format!("{deed:?}")];
                table.push(cells.into_iter().chain(describe(&error)));
            }
        }
    }
    let pids = workers_at_once(&pool, WORKERS).await?;

    println!("{table}");
    let bad = deeds.len() - good;
    println!("{good} good tasks gave their results, and {bad} bad tasks gave errors of their own;");
    println!("{WORKERS} workers are running again: {pids:?}");
    ensure!(
        good == deeds
            .iter()
            .filter(|deed| matches!(deed, Deed::Add(_)))
            .count()
    );
    pool.shutdown().await;
    Ok(())
}

/// Returns good deeds, with a bad one of each kind in turn among them.
fn deeds() -> Vec<Deed> {
    let mut bad = BAD.into_iter().cycle();
    let mut deeds: Vec<Deed> = (0..TASKS).map(Deed::Add).collect();
    for deed in deeds.iter_mut().step_by(BAD_EVERY) {
        bad.next().into_iter().for_each(|next| *deed = next);
    }
    deeds
}

/// Does a deed; runs in a worker.
fn perform(deed: Deed) -> u64 {
    match deed {
        Deed::Add(number) => (0..=number).sum(),
        Deed::Panic => panic!("a bug in the function"),
        Deed::Abort => std::process::abort(),
        Deed::Exit => std::process::exit(3),
        Deed::Overflow => descend(1),
        Deed::Segfault => kill_self(Signal::SEGV),
        Deed::Kill => kill_self(Signal::KILL),
    }
}

#[expect(unconditional_recursion, reason = "it overflows the stack on purpose")]
fn descend(depth: u64) -> u64 {
    black_box(descend(black_box(depth + 1))) + depth
}

fn kill_self(signal: Signal) -> u64 {
    loop {
        // The first SIGSEGV goes to Rust's own handler, which looks for a stack overflow, finds none,
        // and restores the default.
        kill_process(getpid(), signal).expect("a process may signal itself");
    }
}

/// Checks that each deed has its own outcome.
fn check(deed: Deed, result: &Result<u64, TaskError>) -> anyhow::Result<()> {
    let expected = match deed {
        Deed::Add(number) => {
            let sum = result.as_ref().ok();
            ensure!(
                sum == Some(&(number * (number + 1) / 2)),
                "it gave {result:?}"
            );
            return Ok(());
        }
        Deed::Panic => {
            let Err(TaskError::Panicked(panic)) = result else {
                bail!("it gave {result:?}")
            };
            ensure!(
                panic.message() == "a bug in the function",
                "{:?}",
                panic.message()
            );
            let location = panic.location().context("no location")?;
            ensure!(location.contains("crash_isolation.rs"), "{location}");
            return Ok(());
        }
        Deed::Abort | Deed::Overflow => (Some(6), None),
        Deed::Exit => (None, Some(3)),
        Deed::Segfault => (Some(11), None),
        Deed::Kill => (Some(9), None),
    };
    let Err(TaskError::WorkerExited(exit)) = result else {
        bail!("it gave {result:?}")
    };
    ensure!((exit.signal(), exit.code()) == expected, "{exit:?}");
    ensure!(exit.pid() > 0, "{exit:?}");
    Ok(())
}

/// Returns the table's cells for an error: its kind, the pid of a dead process, and its message.
fn describe(error: &TaskError) -> [String; 3] {
    let (kind, pid) = match error {
        TaskError::Panicked(_) => ("Panicked", String::new()),
        TaskError::WorkerExited(exit) => ("WorkerExited", exit.pid().to_string()),
        _ => ("another", String::new()),
    };
    [kind.to_owned(), pid, error.to_string()]
}
