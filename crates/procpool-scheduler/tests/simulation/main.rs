//! Whole pools in virtual time: random configurations, tasks, users, deaths and races.
//!
//! A failure names its seed. `PROCPOOL_SEED=… cargo test -p procpool-scheduler --test simulation` runs that
//! one alone and tells its story; `PROCPOOL_SIM_SEEDS` says how many are tried.

mod fairness;
mod plan;
mod process;
mod rng;
mod users;
mod world;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use plan::Plan;
use world::World;

/// What some storm must have had, else the storms prove nothing about it.
const EXPECTED: [&str; 40] = [
    "cancelled",
    "timed out",
    "waited too long",
    "worker died",
    "start failed",
    "terminated",
    "late result",
    "a batch",
    "answered in the batch",
    "faulty worker",
    "taken back",
    "had begun",
    "refused",
    "asked to give up",
    "retried",
    "sent ahead",
    "given room at once",
    "had to wait for room",
    "left the line",
    "gave room back",
    "denied room",
    "past its deadline",
    "within its limit",
    "finished in its limit",
    "another item",
    "stolen from",
    "nothing to take",
    "shortened",
    "a lie",
    "not begun in its limit",
    "made larger",
    "made smaller",
    "more busy than may be",
    "warm",
    "not warm",
    "left a warm-up",
    "spread",
    "broadcast refused",
    "died of a broadcast",
    "broadcast too slow",
];

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

pub(crate) fn each_seed(default: u64, run: impl Fn(u64, bool)) {
    if let Some(seed) = number("PROCPOOL_SEED") {
        return run(seed, true);
    }
    for seed in 0..number("PROCPOOL_SIM_SEEDS").unwrap_or(default) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed, false))) {
            eprintln!("the simulation failed: replay it with PROCPOOL_SEED={seed}");
            resume_unwind(panic);
        }
    }
}

#[test]
fn every_promise_holds_in_every_storm() {
    let seen = RefCell::new(BTreeSet::new());
    each_seed(3_000, |seed, tell| {
        let mut world = World::new(Plan::storm(seed), tell);
        world.run_storm();
        world.end();
        seen.borrow_mut().append(&mut world.seen);
    });
    let seen = seen.into_inner();
    let missing: Vec<_> = EXPECTED
        .iter()
        .filter(|what| !seen.contains(*what))
        .collect();
    // A few storms cannot have everything.
    let few = number("PROCPOOL_SEED").is_some()
        || number("PROCPOOL_SIM_SEEDS").is_some_and(|seeds| seeds < 1_000);
    assert!(few || missing.is_empty(), "no storm had {missing:?}");
}

#[test]
fn every_promise_holds_with_hundreds_of_workers() {
    each_seed(4, |seed, tell| {
        let mut world = World::new(Plan::crowd(seed), tell);
        world.run_storm();
        world.end();
    });
}

#[test]
fn no_task_waits_behind_a_slow_one_in_a_pool_that_may_grow() {
    let seen = RefCell::new(BTreeSet::new());
    each_seed(1_000, |seed, tell| {
        let mut world = World::new(Plan::growing(seed), tell);
        world.run_storm();
        world.end();
        seen.borrow_mut().append(&mut world.seen);
    });
    let grew = seen
        .into_inner()
        .contains("room to grow for a task that waits");
    assert!(grew || number("PROCPOOL_SEED").is_some());
}

#[test]
fn nothing_spins_when_no_worker_ever_starts() {
    each_seed(200, |seed, tell| {
        let mut world = World::new(Plan::barren(seed), tell);
        world.run_storm();
        let spawns = world.spawns();
        // The first attempts of all, then one for each pause, of which all but four are the longest.
        let bound = world.most() + 2 * 4 + world.plan.seconds_of_storm() / 2 + 8;
        assert!(
            spawns <= bound,
            "{spawns} attempts, at most {bound} expected"
        );
        world.end();
    });
}
