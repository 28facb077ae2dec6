//! Chaos: random tasks, cancellations, limits, deaths and ends of pools, and checks afterwards.
//!
//! In each round, a pool with random options gets tasks from several threads. The tasks return, panic, hang,
//! and kill or stop their workers. They are dropped, aborted, detached, and exceed limits. Another thread
//! kills, stops and continues workers from outside. Workers are replaced by age, number of tasks and memory
//! growth. In half of the rounds the pool is also resized and warmed up, and runs broadcasts. At some
//! moment the pool is ended in one of ten ways. Then the test checks that
//!
//! - every task was resolved, with an outcome that its action and its caller allow;
//! - no cancelled task ran after its cancellation was confirmed, and no task ran more often than it may: each
//!   function records its start before it does anything else;
//! - no process, zombie, file descriptor, thread or shared memory is left.
//!
//! In half of the rounds no worker is killed from outside; then a task fails only because of its own
//! action.
//!
//! `PROCPOOL_CHAOS_SECONDS=300 cargo test -p procpool-tests --test chaos` runs longer than the usual ten
//! seconds. A failure names the seed of its round, and `PROCPOOL_SEED=…` starts with that round. The seed
//! determines everything that the test does, but not the system's scheduling.
#![forbid(unsafe_code)]

mod apart;
mod deed;
mod intent;
mod judge;
mod killer;
mod plan;
mod processes;
mod record;
mod rng;
mod round;
mod storm;
mod tally;

use std::env;
use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::tally::Tally;

// The workers are this executable.
procpool_os::before_main!(procpool::init);

/// The number of failures of a round that are printed.
const TOLD: usize = 20;

#[test]
fn chaos() {
    apart::apart("chaos", rage);
}

fn rage() {
    let first = number("PROCPOOL_SEED").unwrap_or_else(|| record::now() * 1000);
    let length = Duration::from_secs(number("PROCPOOL_CHAOS_SECONDS").unwrap_or(10));
    warm_up();
    let began = Instant::now();
    let mut tally = Tally::default();
    let mut seed = first;
    while began.elapsed() < length {
        match round::run(seed) {
            Ok(round) => tally.add(round),
            Err(failures) => panic!("{}", report(seed, &failures)),
        }
        seed += 1;
    }
    println!("chaos: seed {first}, {:.1?}: {tally}", began.elapsed());
}

/// The resources that a process keeps after its first runtime and its first pool are no leak.
fn warm_up() {
    for mut builder in [
        tokio::runtime::Builder::new_current_thread(),
        tokio::runtime::Builder::new_multi_thread(),
    ] {
        drop(builder.enable_all().build().expect("a runtime"));
    }
}

fn report(seed: u64, failures: &[String]) -> String {
    let mut report = format!(
        "{} failures in the round with seed {seed}; again with PROCPOOL_SEED={seed} cargo test -p \
         procpool-tests --test chaos",
        failures.len()
    );
    for failure in &failures[..failures.len().min(TOLD)] {
        let _ = write!(report, "\n- {failure}");
    }
    report
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}
