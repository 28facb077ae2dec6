//! Results that a worker gathers while it has more to do.

use procpool_scheduler::{Config, TaskSpec};

use crate::bench::{Bench, MS, SHORT, US, workers};

fn bench() -> Bench {
    Bench::ready(Config {
        held_back: Some(100 * US),
        ..workers(1, 1)
    })
}

#[test]
fn a_worker_that_runs_the_first_of_several_tasks_is_looked_at_ever_more_rarely() {
    let mut bench = bench();
    bench.run(SHORT, "a");
    bench.run(SHORT, "b");
    let pauses = [100, 200, 400, 800, 1600, 3200, 3200];
    for pause in pauses {
        bench.next_deadline_after(pause * US);
        assert_eq!(bench.actions(), ["collect from 1"]);
    }
}

#[test]
fn a_worker_is_looked_at_soon_after_it_stops_to_give_results() {
    let mut bench = bench();
    let (a, worker) = bench.run(SHORT, "a");
    let (b, _) = bench.run(SHORT, "b");
    bench.run(SHORT, "c");
    bench.run(SHORT, "d");
    bench.next_deadline_after(100 * US);
    bench.next_deadline_after(200 * US);
    bench.actions();
    bench.pass(MS / 10);
    bench.finish(worker, a);
    bench.next_deadline_after(100 * US);
    assert_eq!(bench.actions(), [""; 0], "it was heard");
    bench.finish(worker, b);
    bench.next_deadline_after(100 * US);
    assert_eq!(bench.actions(), [""; 0], "it was heard");
    bench.next_deadline_after(100 * US);
    assert_eq!(bench.actions(), ["collect from 1"]);
}

#[test]
fn a_worker_with_one_task_is_not_looked_at() {
    let mut bench = bench();
    let (a, worker) = bench.run(SHORT, "a");
    assert!(bench.has_no_deadline());
    bench.run(SHORT, "b");
    bench.finish(worker, a);
    bench.next_deadline_after(100 * US);
    assert_eq!(bench.actions(), [""; 0]);
    assert!(bench.has_no_deadline());
}

/// Or else the first of them waits with its worker for the end of the second.
#[test]
fn a_worker_with_one_task_that_comes_in_parts_is_looked_at() {
    let mut bench = bench();
    let stream = TaskSpec {
        in_parts: true,
        ..SHORT
    };
    let (a, worker) = bench.run(stream, "a");
    for pause in [100, 200, 400] {
        bench.next_deadline_after(pause * US);
        assert_eq!(bench.actions(), ["collect from 1"]);
    }
    bench.finish(worker, a);
    bench.next_deadline_after(800 * US);
    assert_eq!(bench.actions(), [""; 0]);
    assert!(bench.has_no_deadline());
}
