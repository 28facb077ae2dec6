//! Functions that abort, exit, overflow the stack or are killed, among five hundred good ones.
//!
//! What it shows: whatever a function does to its process, it does to its own task alone. Every good
//! task gives its result, every bad one its own error, which says what happened and where.
//!
//! ```console
//! $ cargo run --release --example crash_isolation
//! ```
//!
//! The workers' last words on stderr, as of a stack overflow, belong to the show.
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
/// Every so many tasks, one is bad.
const BAD_EVERY: usize = 25;

/// What a task is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Deed {
    /// A little arithmetic.
    Add(u64),
    /// An ordinary bug: the worker survives it.
    Panic,
    /// What C libraries do when an assertion fails.
    Abort,
    /// What a library does that thinks it owns the program.
    Exit,
    /// Recursion without an end.
    Overflow,
    /// What a wild pointer leads to.
    Segfault,
    /// What the kernel does to a process that takes too much memory.
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
        ("IN WORDS", Align::Left),
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
    println!("{good} good tasks gave their results, {bad} bad ones their own errors;");
    println!("{WORKERS} workers are there again: {pids:?}");
    ensure!(
        good == deeds
            .iter()
            .filter(|deed| matches!(deed, Deed::Add(_)))
            .count()
    );
    pool.shutdown().await;
    Ok(())
}

/// Good ones, and the bad ones in turn among them.
fn deeds() -> Vec<Deed> {
    let mut bad = BAD.into_iter().cycle();
    let mut deeds: Vec<Deed> = (0..TASKS).map(Deed::Add).collect();
    for deed in deeds.iter_mut().step_by(BAD_EVERY) {
        bad.next().into_iter().for_each(|next| *deed = next);
    }
    deeds
}

/// Runs in a worker.
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
        // Once is not enough for SIGSEGV: Rust's own handler takes the first for a possible stack
        // overflow, sees that it is none, and restores the default.
        kill_process(getpid(), signal).expect("a process may signal itself");
    }
}

/// Each deed has its own outcome, and no other.
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

/// The table's cells for an error: its kind, the process if one died, and the error's own word.
fn describe(error: &TaskError) -> [String; 3] {
    let (kind, pid) = match error {
        TaskError::Panicked(_) => ("Panicked", String::new()),
        TaskError::WorkerExited(exit) => ("WorkerExited", exit.pid().to_string()),
        _ => ("another", String::new()),
    };
    [kind.to_owned(), pid, error.to_string()]
}
