//! Checks that `docs/migration.md` is correct.
//!
//! Each row of the guide is a heading, lines of Python (or of Rust with tokio alone) and lines of Rust. The
//! Rust lines are in these tests, between `// guide: HEADING` and `// guide: end`; the guide has exact
//! copies. The Python lines are only in the guide, and the tests run them from there. After a change
//! here, `GUIDE=overwrite cargo test -p procpool-tests --test migration` copies the Rust lines over.

mod as_completed;
mod asyncio;
mod coverage;
mod document;
mod executor;
mod future;
mod guide;
mod multiprocessing_pool;
mod processes;
mod python;
mod regions;
mod spawn_blocking;

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use procpool::ProcessPool;
use procpool_tests::patiently;

// guide: Names used in the lines
fn square(x: u64) -> u64 {
    x * x
}

fn power((base, exponent): (u64, u32)) -> u64 {
    base.pow(exponent)
}

fn parse(text: String) -> Result<i64, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn nap(seconds: u64) -> u64 {
    std::thread::sleep(Duration::from_secs(seconds));
    seconds
}

fn hang(_: ()) {
    std::thread::sleep(Duration::from_secs(3600));
}

fn crash(_: ()) {
    std::process::abort();
}
// guide: end

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// The lines of a row, which must finish.
async fn row(lines: impl Future<Output = Outcome>) -> Outcome {
    patiently(lines).await
}

/// Returns the pool that the rows call `pool`.
fn two_workers() -> ProcessPool {
    ProcessPool::builder().workers(2).build().expect("a pool")
}
