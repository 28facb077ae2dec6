//! Runs a hundred thousand tiny tasks at once, and compares with `spawn_blocking`.
//!
//! It shows that `join_all` works with so many tasks: each call is accepted at once, and the pool sends
//! many short tasks to a worker in one write. It prints the tasks per second, and those of tokio's own
//! threads with the same function in the same run. Threads need no encoding and no socket; most of
//! their time goes into a wake-up for each task.
//!
//! ```console
//! $ cargo run --release --example join_all_fan_out
//! ```
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures::future::join_all;
use procpool::ProcessPool;
use procpool_examples::{Align, Table};
use tokio::task::spawn_blocking;

const TASKS: u64 = 100_000;
/// The number of calls before the measurement, which start the workers and threads.
const WARM_UP: u64 = 1_000;

fn double(number: u64) -> u64 {
    2 * number
}

#[procpool::main]
async fn main() -> anyhow::Result<()> {
    let pool = ProcessPool::builder()
        .queue_capacity(TASKS as usize)
        .build()?;
    let in_process = |number| pool.run_in_process(double, number);
    join_all((0..WARM_UP).map(in_process)).await;
    // Both kinds of call are accepted when they are created, so the measurement includes that.
    let in_processes = Run::measure(async { join_all((0..TASKS).map(in_process)).await }).await?;

    let in_thread = |number| spawn_blocking(move || double(number));
    join_all((0..WARM_UP).map(in_thread)).await;
    let in_threads = Run::measure(async { join_all((0..TASKS).map(in_thread)).await }).await?;
    pool.shutdown().await;

    let mut table = Table::new(&[
        ("", Align::Left),
        ("TASKS", Align::Right),
        ("TIME", Align::Right),
        ("TASKS/S", Align::Right),
        ("RATIO", Align::Right),
    ]);
    for (name, run) in [("procpool", &in_processes), ("spawn_blocking", &in_threads)] {
        table.push([
            name.to_owned(),
            TASKS.to_string(),
            format!("{:.1} ms", run.time.as_secs_f64() * 1e3),
            format!("{:.0}", run.rate()),
            format!("{:.2}", run.rate() / in_processes.rate()),
        ]);
    }
    print!("{table}");
    Ok(())
}

struct Run {
    time: Duration,
}

impl Run {
    /// Runs `all`, which doubles the numbers below [`TASKS`], and asserts that their sum is right.
    async fn measure<E>(all: impl Future<Output = Vec<Result<u64, E>>>) -> anyhow::Result<Self>
    where
        anyhow::Error: From<E>,
    {
        let started = Instant::now();
        let doubled = all.await;
        let time = started.elapsed();
        let sum: u64 = doubled.into_iter().sum::<Result<_, _>>()?;
        ensure!(
            sum == TASKS * (TASKS - 1),
            "{sum} is not the sum of {TASKS} doubled numbers"
        );
        Ok(Self { time })
    }

    fn rate(&self) -> f64 {
        TASKS as f64 / self.time.as_secs_f64()
    }
}
