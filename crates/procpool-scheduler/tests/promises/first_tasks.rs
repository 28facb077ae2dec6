//! The task that a worker is sent before it is ready.

use procpool_scheduler::{Config, TaskId, TaskSpec, TaskState};

use crate::bench::{Bench, LONG, MS, US, workers};

/// A pool whose only worker is starting, and has been sent `a`.
fn loaded() -> (Bench, TaskId) {
    let mut bench = Bench::starting(workers(1, 1));
    assert_eq!(bench.actions(), ["spawn 1"]);
    let a = bench.submit(LONG, "a");
    assert_eq!(bench.actions(), [""; 0], "nothing reaches it yet");
    bench.reachable(Bench::worker(1));
    assert_eq!(bench.actions(), ["a to 1"]);
    (bench, a)
}

#[test]
fn while_no_worker_is_ready_those_that_start_have_one_task_each() {
    let mut bench = Bench::starting(workers(2, 2));
    assert_eq!(bench.actions(), ["spawn 1", "spawn 2"]);
    bench.reachable(Bench::worker(2));
    for name in ["a", "b", "c"] {
        bench.submit(LONG, name);
    }
    assert_eq!(bench.actions(), ["a to 2"]);
    bench.reachable(Bench::worker(1));
    assert_eq!(bench.actions(), ["b to 1"]);
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), [""; 0], "it has something to do");
}

#[test]
fn who_waits_besides_still_has_workers_started() {
    let mut bench = Bench::starting(workers(0, 3));
    bench.submit(LONG, "a");
    assert_eq!(bench.actions(), ["spawn 1"]);
    bench.reachable(Bench::worker(1));
    assert_eq!(bench.actions(), ["a to 1"]);
    bench.submit(LONG, "b");
    assert_eq!(bench.actions(), ["spawn 2"]);
}

#[test]
fn another_worker_that_is_ready_before_takes_it_over() {
    let mut bench = Bench::starting(workers(2, 2));
    bench.actions();
    let a = bench.submit(LONG, "a");
    bench.reachable(Bench::worker(1));
    assert_eq!(bench.actions(), ["a to 1"]);
    bench.make_ready(Bench::worker(2));
    bench.answer(a, true);
    assert_eq!(bench.actions(), ["a to 2"]);
    // It is not told to come to anything that it would leave again.
    bench.submit(LONG, "b");
    assert_eq!(bench.actions(), [""; 0]);
    bench.make_ready(Bench::worker(1));
    assert_eq!(bench.actions(), ["b to 1"]);
}

#[test]
fn if_its_worker_fails_to_start_it_is_told_so() {
    let (mut bench, a) = loaded();
    bench.start_failed(Bench::worker(1));
    bench.answer(a, true);
    assert_eq!(bench.actions(), ["a: 1 failed to start"]);
    assert_eq!(bench.state(a), TaskState::Finished);
}

#[test]
fn if_another_worker_is_starting_it_waits_for_that() {
    let mut bench = Bench::starting(workers(2, 2));
    bench.actions();
    let a = bench.submit(LONG, "a");
    bench.reachable(Bench::worker(1));
    assert_eq!(bench.actions(), ["a to 1"]);
    bench.start_failed(Bench::worker(1));
    bench.answer(a, true);
    assert_eq!(bench.state(a), TaskState::Queued);
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), ["a to 2", "spawn 3"]);
}

/// It was ready, and nobody had heard of it.
#[test]
fn if_it_has_begun_its_end_is_a_death_and_no_failed_start() {
    let (mut bench, a) = loaded();
    bench.exited(Bench::worker(1));
    bench.answer(a, false);
    assert_eq!(bench.actions()[0], "a: 1 died, attempt 1");
}

#[test]
fn a_start_that_takes_too_long_saves_it_before_the_kill() {
    let mut bench = Bench::starting(Config {
        startup_timeout: 9 * MS,
        ..workers(1, 1)
    });
    bench.actions();
    let a = bench.submit(LONG, "a");
    bench.reachable(Bench::worker(1));
    assert_eq!(bench.actions(), ["a to 1"]);
    bench.next_deadline_after(9 * MS);
    bench.answer(a, true);
    assert_eq!(bench.actions(), ["kill 1", "a: 1 failed to start"]);
}

#[test]
fn cancelled_before_its_worker_is_ready_it_never_runs() {
    let (mut bench, a) = loaded();
    bench.cancel(a);
    bench.answer(a, true);
    assert_eq!(bench.actions(), ["a: cancelled"]);
    bench.make_ready(Bench::worker(1));
    assert_eq!(bench.actions(), [""; 0]);
}

/// Only who is ready begins anything: that it has is news of both.
#[test]
fn cancelled_when_it_has_begun_it_costs_its_worker() {
    let (mut bench, a) = loaded();
    bench.cancel(a);
    bench.answer(a, false);
    assert_eq!(bench.actions(), ["kill 1", "a: cancelled", "spawn 2"]);
}

#[test]
fn its_time_limit_is_not_charged_with_the_start() {
    let mut bench = Bench::starting(workers(1, 1));
    bench.actions();
    let limited = TaskSpec {
        timeout: Some(10 * MS),
        ..LONG
    };
    let a = bench.submit(limited, "a");
    bench.reachable(Bench::worker(1));
    assert_eq!(bench.actions(), ["a to 1"]);
    bench.pass(100 * MS);
    assert_eq!(bench.actions(), [""; 0]);
    bench.make_ready(Bench::worker(1));
    // It may have begun before this is heard, but not before it was sent: since when is to be seen.
    bench.tick();
    bench.runs_for(a, MS);
    bench.next_deadline_after(9 * MS);
    bench.runs_for(a, 10 * MS);
    assert_eq!(bench.actions()[..2], ["kill 1", "a: timed out after 10ms"]);
}

/// Nothing else would bring the first ones if a later one takes long.
#[test]
fn results_of_its_items_are_looked_for() {
    let mut bench = Bench::starting(Config {
        held_back: Some(100 * US),
        ..workers(1, 1)
    });
    bench.actions();
    let items = TaskSpec { items: 3, ..LONG };
    bench.submit(items, "a");
    bench.reachable(Bench::worker(1));
    assert_eq!(bench.actions(), ["a to 1"]);
    bench.make_ready(Bench::worker(1));
    bench.next_deadline_after(100 * US);
    assert_eq!(bench.actions(), ["collect from 1"]);
}

#[test]
fn a_broadcast_comes_before_the_first_task() {
    let (mut bench, a) = loaded();
    let broadcast = bench.broadcast();
    bench.answer(a, true);
    assert_eq!(bench.actions(), [""; 0]);
    bench.make_ready(Bench::worker(1));
    assert_eq!(bench.actions(), [format!("broadcast {broadcast} to 1")]);
    bench.briefed(1, true);
    let told = bench.actions();
    assert!(told.contains(&"a to 1".to_owned()), "{told:?}");
}

#[test]
fn one_that_is_too_many_gives_it_back_before_it_is_stopped() {
    let mut bench = Bench::starting(workers(2, 2));
    bench.actions();
    let a = bench.submit(LONG, "a");
    bench.reachable(Bench::worker(2));
    assert_eq!(bench.actions(), ["a to 2"]);
    bench.resize(1, 1);
    bench.answer(a, true);
    assert_eq!(bench.actions(), ["stop 2"]);
    bench.reachable(Bench::worker(1));
    assert_eq!(bench.actions(), ["a to 1"]);
}

/// As it would if the worker were ready.
#[test]
fn it_does_not_count_as_one_that_waits_in_the_queue() {
    let mut bench = Bench::starting(Config {
        queue_capacity: 1,
        ..workers(1, 1)
    });
    bench.actions();
    bench.submit(LONG, "a");
    bench.reachable(Bench::worker(1));
    bench.submit(LONG, "b");
    assert_eq!(bench.actions(), ["a to 1"]);
    bench.refused(LONG);
    bench.make_ready(Bench::worker(1));
    bench.refused(LONG);
}
