//! How much is accepted.

use procpool_scheduler::{Config, RefusedReason};

use crate::bench::{Bench, LONG, SHORT, workers};

#[test]
fn what_would_have_to_wait_beyond_the_capacity_is_refused() {
    let mut bench = Bench::ready(Config {
        queue_capacity: 2,
        ..workers(1, 1)
    });
    let (first, worker) = bench.run(LONG, "running");
    bench.submit(LONG, "a");
    let b = bench.submit(LONG, "b");
    assert_eq!(bench.refused(LONG), RefusedReason::QueueFull);
    assert!(!bench.scheduler.has_room());
    bench.cancel(b);
    bench.submit(LONG, "c");
    bench.finish(worker, first);
    assert!(bench.scheduler.has_room());
}

#[test]
fn without_a_queue_a_task_is_accepted_if_a_worker_is_or_will_be_free() {
    let mut bench = Bench::starting(Config {
        queue_capacity: 0,
        ..workers(0, 2)
    });
    bench.submit(LONG, "a");
    bench.submit(LONG, "b");
    assert_eq!(bench.refused(LONG), RefusedReason::QueueFull);
    bench.all_ready();
    assert_eq!(bench.actions(), ["a to 1", "b to 2"]);
    assert_eq!(bench.refused(LONG), RefusedReason::QueueFull);
}

#[test]
fn without_a_queue_short_tasks_are_accepted_behind_short_tasks() {
    let mut bench = Bench::ready(Config {
        queue_capacity: 0,
        ..workers(1, 1)
    });
    bench.run(SHORT, "head");
    bench.run(SHORT, "ahead");
    assert_eq!(bench.refused(LONG), RefusedReason::QueueFull);
}
