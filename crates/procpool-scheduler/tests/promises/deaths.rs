//! Workers that die.

use std::time::Duration;

use procpool_scheduler::{Finished, TaskSpec, TaskState};

use crate::bench::{Bench, LONG, SHORT, workers};

#[test]
fn a_death_fails_only_the_task_that_ran() {
    let mut bench = Bench::ready(workers(1, 1));
    let (head, worker) = bench.run(SHORT, "head");
    let (a, _) = bench.run(SHORT, "a");
    let (b, _) = bench.run(SHORT, "b");
    bench.exited(worker);
    bench.answer(b, true);
    bench.answer(a, true);
    bench.answer(head, false);
    assert_eq!(bench.actions(), ["head: 1 died, attempt 1", "spawn 2"]);
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), ["a to 2", "b to 2"]);
}

#[test]
fn a_retried_task_comes_first_after_a_pause_that_doubles_and_fails_after_its_last_attempt() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, mut worker) = bench.run(TaskSpec { retries: 2, ..LONG }, "task");
    for (number, pause) in [(2, 20), (3, 40)] {
        bench.exited(worker);
        bench.answer(task, false);
        assert_eq!(bench.actions(), [format!("spawn {number}")]);
        worker = Bench::worker(number);
        bench.make_ready(worker);
        assert_eq!(bench.actions(), [""; 0], "it has not paused yet");
        assert_eq!(bench.state(task), TaskState::Queued);
        bench.next_deadline_after(Duration::from_millis(pause));
        assert_eq!(bench.actions(), [format!("task to {number}")]);
    }
    bench.submit(LONG, "next");
    bench.exited(worker);
    bench.answer(task, false);
    assert_eq!(bench.actions(), ["task: 3 died, attempt 3", "spawn 4"]);
    bench.make_ready(Bench::worker(4));
    assert_eq!(bench.actions(), ["next to 4"]);
}

#[test]
fn retries_do_not_apply_to_a_task_that_was_cancelled() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(TaskSpec { retries: 2, ..LONG }, "task");
    bench.cancel(task);
    bench.answer(task, false);
    assert_eq!(bench.actions(), ["kill 1", "task: cancelled", "spawn 2"]);
    bench.exited(worker);
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn a_task_that_is_cancelled_in_the_pause_before_a_retry_is_over() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(TaskSpec { retries: 2, ..LONG }, "task");
    bench.exited(worker);
    bench.answer(task, false);
    bench.make_ready(Bench::worker(2));
    bench.actions();
    bench.cancel(task);
    assert_eq!(bench.actions(), ["task: cancelled"]);
    assert!(bench.has_no_deadline());
    bench.submit(LONG, "next");
    assert_eq!(bench.actions(), ["next to 2"]);
}

#[test]
fn cancel_if_queued_leaves_a_task_that_waits_to_be_retried_because_it_has_begun() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(TaskSpec { retries: 1, ..LONG }, "task");
    bench.exited(worker);
    bench.answer(task, false);
    assert_eq!(bench.actions(), ["spawn 2"]);
    bench.cancel_if_queued(task);
    assert_eq!(bench.actions(), [""; 0], "in its pause");
    bench.next_deadline_after(Duration::from_millis(20));
    bench.cancel_if_queued(task);
    assert_eq!(bench.actions(), [""; 0], "in the queue");
    bench.make_ready(Bench::worker(2));
    bench.cancel_if_queued(task);
    assert_eq!(bench.actions(), ["task to 2"]);
}

#[test]
fn what_passed_a_limit_is_not_retried() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(TaskSpec { retries: 2, ..LONG }, "task");
    bench.exited_over_limit(worker);
    bench.answer(task, false);
    assert_eq!(bench.actions(), ["task: 1 died, attempt 1", "spawn 2"]);
}

#[test]
fn an_idle_worker_that_dies_is_replaced() {
    let mut bench = Bench::ready(workers(2, 2));
    bench.exited(Bench::worker(1));
    assert_eq!(bench.actions(), ["spawn 3"]);
}

#[test]
fn a_faulty_worker_is_killed_and_what_it_had_not_begun_runs_elsewhere() {
    let mut bench = Bench::ready(workers(1, 1));
    let (head, worker) = bench.run(SHORT, "head");
    let (ahead, _) = bench.run(SHORT, "ahead");
    bench.faulty(worker);
    bench.answer(ahead, true);
    bench.answer(head, false);
    assert_eq!(bench.actions(), ["kill 1", "spawn 2"]);
    bench.faulty(worker);
    assert_eq!(bench.actions(), [""; 0]);
    bench.exited(worker);
    assert_eq!(bench.actions(), ["head: 1 died, attempt 1"]);
}

#[test]
fn a_worker_that_dies_after_its_result_fails_no_task() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(LONG, "task");
    assert!(matches!(
        bench.finish(worker, task),
        Finished::Resolved("task")
    ));
    bench.exited(worker);
    assert_eq!(bench.actions(), ["spawn 2"]);
}
