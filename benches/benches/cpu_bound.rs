//! 64 tasks of 20 ms of pure computing at once, on two workers: what a pool adds to work that is large.
//!
//! procpool; `spawn_blocking` with two threads; rayon; procspawn; and both of Python's classes, with
//! work of their own language's that takes as long. The ideal is half of the tasks' time, with nothing
//! between them.
#![forbid(unsafe_code)]

use std::time::Duration;

use procpool_benches::{Burners, Goals, Mode, Rayon, roles};

/// Tasks at once.
const TASKS: usize = 64;

/// How long each computes.
const TASK: Duration = Duration::from_millis(20);

fn main() {
    roles::init();
    if !Mode::asks_for("cpu_bound") {
        return;
    }
    let mode = Mode::from_args();
    let durations = vec![TASK; mode.pick(TASKS, 4)];
    let title = format!(
        "cpu_bound: {} tasks of {TASK:?} on two workers",
        durations.len()
    );
    let table = Burners::start().compare(&title, &durations, mode.pick(7, 1));
    println!("{table}");

    let mut goals = Goals::new("cpu_bound");
    let total = table.ratio(Burners::PROCPOOL, Rayon::NAME);
    goals.at_most("total, of rayon", total, 1.02, "×");
    goals.finish(mode);
}
