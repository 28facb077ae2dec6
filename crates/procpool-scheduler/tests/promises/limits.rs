//! Time limits.

use std::time::Duration;

use procpool_scheduler::{Config, TaskSpec};

use crate::bench::{Bench, LONG, MS, SHORT, US, workers};

const LIMITED: TaskSpec = TaskSpec {
    timeout: Some(Duration::from_millis(3)),
    ..LONG
};
const PATIENT: TaskSpec = TaskSpec {
    queue_timeout: Some(Duration::from_millis(2)),
    ..LONG
};

#[test]
fn a_task_that_runs_too_long_is_killed_and_says_so() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, _) = bench.run(LIMITED, "task");
    bench.next_deadline_after(3 * MS);
    bench.answer(task, false);
    assert_eq!(
        bench.actions(),
        ["kill 1", "task: timed out after 3ms", "spawn 2"]
    );
}

#[test]
fn a_timed_out_task_with_grace_is_asked_first() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, _) = bench.run(
        TaskSpec {
            grace: Some(MS),
            ..LIMITED
        },
        "task",
    );
    bench.next_deadline_after(3 * MS);
    bench.answer(task, false);
    assert_eq!(
        bench.actions(),
        ["request cancel on 1", "task: timed out after 3ms"]
    );
    bench.next_deadline_after(MS);
    assert_eq!(bench.actions(), ["kill 1", "spawn 2"]);
}

#[test]
fn waiting_and_the_start_of_a_worker_are_not_charged_to_the_run() {
    let mut bench = Bench::starting(workers(1, 1));
    bench.submit(LIMITED, "task");
    bench.actions();
    bench.pass(9 * MS);
    bench.make_ready(Bench::worker(1));
    assert_eq!(bench.actions(), ["task to 1"]);
    bench.next_deadline_after(3 * MS);
}

#[test]
fn the_clock_of_a_task_sent_ahead_starts_when_the_one_before_it_is_done() {
    let mut bench = Bench::ready(workers(1, 1));
    let (head, worker) = bench.run(SHORT, "head");
    let limited = TaskSpec {
        timeout: LIMITED.timeout,
        ..SHORT
    };
    bench.run(limited, "ahead");
    assert!(bench.has_no_deadline());
    bench.pass(MS);
    bench.finish(worker, head);
    bench.next_deadline_after(3 * MS);
}

#[test]
fn a_task_that_its_worker_has_not_begun_in_time_runs_elsewhere() {
    let mut bench = Bench::ready(workers(2, 2));
    let (task, stuck) = bench.run(LIMITED, "task");
    bench.next_deadline_after(3 * MS);
    bench.answer(task, true);
    let other = 3 - stuck.as_u64();
    assert_eq!(bench.actions(), [format!("task to {other}")]);
}

#[test]
fn a_limit_shorter_than_a_wake_up_does_not_take_the_task_back_for_ever() {
    let mut bench = Bench::ready(workers(1, 1));
    let spec = TaskSpec {
        timeout: Some(Duration::ZERO),
        ..LONG
    };
    let (task, _) = bench.run(spec, "task");
    for clock in [0, 200, 400, 800, 1600] {
        bench.next_deadline_after(clock * US);
        bench.answer(task, true);
        assert_eq!(bench.actions(), ["task to 1"]);
    }
}

#[test]
fn a_worker_that_leaves_a_limited_task_unclaimed_for_long_is_replaced() {
    let mut bench = Bench::ready(Config {
        stop_timeout: 3 * MS,
        ..workers(1, 1)
    });
    let (task, _) = bench.run(LIMITED, "task");
    bench.next_deadline_after(3 * MS);
    bench.answer(task, true);
    assert_eq!(bench.actions(), ["kill 1", "spawn 2"]);
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), ["task to 2"]);
}

#[test]
fn a_task_that_waits_too_long_is_given_up() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.run(LONG, "first");
    bench.submit(PATIENT, "second");
    bench.next_deadline_after(2 * MS);
    assert_eq!(bench.actions(), ["second: waited 2ms"]);
}

#[test]
fn a_task_sent_ahead_still_waits_and_one_that_runs_does_not() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.run(SHORT, "head");
    let patient = TaskSpec {
        queue_timeout: PATIENT.queue_timeout,
        ..SHORT
    };
    let (task, _) = bench.run(patient, "task");
    bench.next_deadline_after(2 * MS);
    bench.answer(task, true);
    assert_eq!(bench.actions(), ["task: waited 2ms"]);
    let mut bench = Bench::ready(workers(1, 1));
    let (task, _) = bench.run(patient, "task");
    bench.next_deadline_after(2 * MS);
    bench.answer(task, false);
    assert_eq!(bench.actions(), [""; 0]);
    assert!(bench.has_no_deadline());
}

#[test]
fn a_task_that_has_begun_once_waits_no_more_when_it_is_retried() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(
        TaskSpec {
            retries: 1,
            ..PATIENT
        },
        "task",
    );
    bench.pass(9 * MS);
    bench.exited(worker);
    bench.answer(task, false);
    assert_eq!(bench.actions(), ["spawn 2"]);
    bench.make_ready(Bench::worker(2));
    bench.next_deadline_after(20 * MS);
    assert_eq!(bench.actions(), ["task to 2"]);
}

#[test]
fn limits_beyond_the_end_of_time_are_no_limits() {
    let mut bench = Bench::ready(workers(1, 1));
    let endless = Some(Duration::MAX);
    bench.run(
        TaskSpec {
            timeout: endless,
            queue_timeout: endless,
            ..LONG
        },
        "task",
    );
    assert!(bench.has_no_deadline());
}

#[test]
fn a_task_without_a_limit_that_its_worker_leaves_untouched_runs_elsewhere() {
    let config = Config {
        untouched_timeout: Some(Duration::from_secs(5)),
        ..workers(2, 2)
    };
    let mut bench = Bench::ready(config);
    let (task, worker) = bench.run(LONG, "task");
    bench.pass(Duration::from_secs(6));
    bench.tick();
    bench.answer(task, true);
    let (stuck, other) = (worker.as_u64(), 3 - worker.as_u64());
    let expected = [
        format!("kill {stuck}"),
        format!("task to {other}"),
        "spawn 3".to_owned(),
    ];
    assert_eq!(bench.actions(), expected);
    bench.pass(Duration::from_secs(6));
    bench.tick();
    bench.answer(task, false);
    assert_eq!(
        bench.actions(),
        [""; 0],
        "it has begun and may take its time"
    );
}

#[test]
fn a_task_is_cancelled_at_its_deadline_wherever_it_is() {
    let mut bench = Bench::ready(workers(1, 1));
    let (running, _) = bench.run(LONG, "running");
    let queued = bench.submit(LONG, "queued");
    bench.cancel_after(running, Some(5 * MS));
    bench.cancel_after(queued, Some(3 * MS));
    bench.next_deadline_after(3 * MS);
    assert_eq!(bench.actions(), ["queued: cancelled"]);
    bench.next_deadline_after(2 * MS);
    bench.answer(running, false);
    assert_eq!(bench.actions()[..2], ["kill 1", "running: cancelled"]);
}

#[test]
fn a_deadline_can_be_moved_and_taken_back() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, _) = bench.run(LONG, "task");
    bench.cancel_after(task, Some(5 * MS));
    bench.cancel_after(task, None);
    bench.cancel_after(task, Some(7 * MS));
    bench.cancel_after(task, Some(9 * MS));
    bench.next_deadline_after(9 * MS);
    bench.answer(task, false);
    assert_eq!(bench.actions()[..2], ["kill 1", "task: cancelled"]);
}

#[test]
fn a_deadline_that_has_passed_cancels_at_once() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.run(LONG, "running");
    let queued = bench.submit(LONG, "queued");
    bench.cancel_after(queued, Some(Duration::ZERO));
    assert_eq!(bench.actions(), ["queued: cancelled"]);
}
