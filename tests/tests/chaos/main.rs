//! Chaos: tasks, cancels, limits, deaths and ends of pools at random, and what must hold after it
//! all.
//!
//! Round after round, a pool with options by chance gets tasks from several threads. They return,
//! panic, hang, and kill or stop their workers; they are dropped, aborted, withdrawn, detached, and
//! pass limits; another thread kills, stops and continues workers from outside; workers are
//! replaced for their age, their tasks and their growth; in half of the rounds the pool is also made larger and
//! smaller, warmed up, and given something that every worker is to run. At some moment the pool is brought to its
//! end in one of ten ways. Then:
//!
//! - every task was resolved, in a way that what it did and what was done to it allow;
//! - what was withdrawn never ran, and nothing ran more often than it may: each function writes
//!   down that it begins before it does anything else;
//! - no process, zombie, descriptor, thread or shared memory is left.
//!
//! In half of the rounds nobody kills from outside, and then nothing may befall a task but by its
//! own doing.
//!
//! `PROCPOOL_CHAOS_SECONDS=300 cargo test -p procpool-tests --test chaos` goes on for longer than
//! the usual ten seconds. A failure names the seed of its round, and `PROCPOOL_SEED=…` begins with
//! that round; the seed determines all that the test does, not what the system makes of it.
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

/// How many failures of a round are told.
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

/// What a process has from its first runtime on, and its first pool, is no leak.
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
