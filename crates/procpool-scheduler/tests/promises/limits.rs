//! Time limits.

use std::time::Duration;

use procpool_scheduler::{Config, Finished, RunState, TaskId, TaskSpec, WorkerId};

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
    bench.runs_for(task, 3 * MS);
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
    bench.runs_for(task, 3 * MS);
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

/// Of a task that was sent ahead, with a limit of 3 ms; its predecessor is done 1 ms after that.
fn sent_ahead() -> (Bench, TaskId, WorkerId) {
    let mut bench = Bench::ready(workers(1, 1));
    let (head, worker) = bench.run(SHORT, "head");
    let limited = TaskSpec {
        timeout: LIMITED.timeout,
        ..SHORT
    };
    let (ahead, _) = bench.run(limited, "ahead");
    assert!(bench.has_no_deadline());
    bench.pass(MS);
    bench.finish(worker, head);
    (bench, ahead, worker)
}

#[test]
fn the_clock_of_a_task_sent_ahead_starts_when_it_begins() {
    let (mut bench, ahead, _) = sent_ahead();
    // It cannot have begun before it was sent.
    bench.next_deadline_after(2 * MS);
    bench.runs_for(ahead, 2 * MS);
    bench.next_deadline_after(MS);
    bench.runs_for(ahead, 3 * MS);
    assert_eq!(
        bench.actions()[..2],
        ["kill 1", "ahead: timed out after 3ms"]
    );
}

#[test]
fn a_driver_that_is_late_with_the_result_before_it_stretches_no_limit() {
    let (mut bench, ahead, _) = sent_ahead();
    bench.next_deadline_after(2 * MS);
    // It had begun long before the driver read of the end of the one before.
    bench.runs_for(ahead, 3 * MS);
    assert_eq!(
        bench.actions()[..2],
        ["kill 1", "ahead: timed out after 3ms"]
    );
}

#[test]
fn a_task_sent_ahead_that_has_not_begun_has_its_whole_limit_from_when_it_could() {
    let (mut bench, ahead, _) = sent_ahead();
    bench.next_deadline_after(2 * MS);
    bench.inspect(ahead, RunState::Unclaimed);
    bench.next_deadline_after(MS);
    bench.inspect(ahead, RunState::Unclaimed);
    bench.answer(ahead, true);
    assert_eq!(bench.actions(), ["ahead to 1"]);
}

#[test]
fn a_limit_counts_from_the_claim_and_not_from_the_dispatch() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(LIMITED, "task");
    bench.next_deadline_after(3 * MS);
    bench.runs_for(task, MS);
    assert_eq!(bench.actions(), [""; 0]);
    bench.next_deadline_after(2 * MS);
    bench.runs_for(task, 3 * MS);
    assert_eq!(
        bench.actions()[..2],
        ["kill 1", "task: timed out after 3ms"]
    );
    assert!(matches!(bench.finish(worker, task), Finished::Late));
}

#[test]
fn a_task_that_begins_at_the_moment_when_it_would_be_taken_back_has_its_whole_limit() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(LIMITED, "task");
    bench.next_deadline_after(3 * MS);
    bench.inspect(task, RunState::Unclaimed);
    bench.answer(task, false);
    bench.runs_for(task, Duration::ZERO);
    assert_eq!(bench.actions(), [""; 0]);
    bench.pass(2 * MS);
    assert!(matches!(
        bench.finish(worker, task),
        Finished::Resolved("task")
    ));
    assert!(bench.has_no_deadline());
}

#[test]
fn a_result_that_was_there_in_time_is_not_lost_though_the_driver_is_late() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(LIMITED, "task");
    bench.pass(9 * MS);
    bench.tick();
    bench.inspect(task, RunState::Finished);
    assert_eq!(bench.actions(), [""; 0]);
    assert!(matches!(
        bench.finish(worker, task),
        Finished::Resolved("task")
    ));
    assert!(bench.has_no_deadline());
}

#[test]
fn a_worker_that_says_it_has_finished_and_does_not_deliver_is_killed() {
    let mut bench = Bench::ready(Config {
        stop_timeout: 7 * MS,
        ..workers(1, 1)
    });
    let (task, _) = bench.run(LIMITED, "task");
    bench.next_deadline_after(3 * MS);
    bench.inspect(task, RunState::Finished);
    bench.next_deadline_after(7 * MS);
    bench.inspect(task, RunState::Finished);
    assert_eq!(
        bench.actions(),
        ["kill 1", "task: timed out after 3ms", "spawn 2"]
    );
}

#[test]
fn each_item_of_a_task_has_the_limit_for_itself() {
    let mut bench = Bench::ready(workers(1, 1));
    let chunk = TaskSpec {
        items: 4,
        ..LIMITED
    };
    let (task, _) = bench.run(chunk, "task");
    bench.next_deadline_after(3 * MS);
    // Of three items that took 2 ms each; the fourth hangs.
    bench.runs_for(task, MS);
    bench.next_deadline_after(2 * MS);
    bench.runs_for(task, MS);
    bench.next_deadline_after(2 * MS);
    bench.runs_for(task, 3 * MS);
    assert_eq!(bench.actions(), ["take back all of task from 1"]);
    bench.split(task, 4, None);
    bench.runs_for(task, 3 * MS);
    assert_eq!(
        bench.actions()[..2],
        ["kill 1", "task: timed out after 3ms"]
    );
}

/// How long a task lives whose worker answers every inspection in this way, and how many there are.
fn lifetime(items: u32, lie: impl Fn(&Bench) -> RunState) -> (Duration, usize) {
    let mut bench = Bench::ready(Config {
        stop_timeout: 7 * MS,
        ..workers(1, 1)
    });
    let spec = TaskSpec { items, ..LIMITED };
    let (task, _) = bench.run(spec, "task");
    let sent = bench.now();
    for inspections in 1..1_000 {
        bench.next_deadline();
        let standing = lie(&bench);
        bench.inspect(task, standing);
        if standing == RunState::Unclaimed {
            bench.answer(task, false);
            let standing = lie(&bench);
            bench.inspect(task, standing);
        }
        if !bench.actions().is_empty() {
            return (bench.now() - sent, inspections);
        }
    }
    panic!("it lives for ever");
}

#[test]
fn a_worker_that_lies_about_its_start_stretches_a_limit_by_no_more_than_one() {
    let now = |bench: &Bench| RunState::Running { since: bench.now() };
    let future = |bench: &Bench| RunState::Running {
        since: bench.now() + 1_000 * LIMITED.timeout.unwrap(),
    };
    assert_eq!(lifetime(1, now), (6 * MS, 2));
    assert_eq!(lifetime(1, future), (6 * MS, 2));
    assert_eq!(lifetime(0, future), (6 * MS, 2));
    // One for each item, and one.
    assert_eq!(lifetime(5, now), (18 * MS, 6));
    assert_eq!(lifetime(5, future), (18 * MS, 6));
}

#[test]
fn a_start_before_the_dispatch_is_the_dispatch() {
    let (mut bench, ahead, _) = sent_ahead();
    bench.next_deadline_after(2 * MS);
    bench.runs_for(ahead, 1_000 * MS);
    assert_eq!(
        bench.actions()[..2],
        ["kill 1", "ahead: timed out after 3ms"]
    );
    // It gains nothing by it either, if its first item began later.
    let long_ago = |bench: &Bench| RunState::Running {
        since: bench.now() - Duration::from_secs(1),
    };
    assert_eq!(lifetime(5, long_ago), (3 * MS, 1));
}

#[test]
fn other_lies_end_too() {
    assert_eq!(lifetime(1, |_| RunState::Unclaimed), (3 * MS, 1));
    assert_eq!(lifetime(5, |_| RunState::Unclaimed), (3 * MS, 1));
    assert_eq!(lifetime(5, |_| RunState::Finished), (10 * MS, 2));
}

#[test]
fn an_answer_that_was_not_asked_for_changes_nothing() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, _) = bench.run(LIMITED, "task");
    bench.pass(2 * MS);
    let since = bench.now();
    let now = bench.now() + 9 * MS;
    for standing in [
        RunState::Unclaimed,
        RunState::Running { since },
        RunState::Finished,
    ] {
        bench.scheduler.handle_inspected(now, task, standing);
    }
    assert_eq!(bench.actions(), [""; 0]);
    bench.next_deadline_after(MS);
    bench.cancel(task);
    bench.inspect(task, RunState::Running { since });
    bench.answer(task, false);
    assert_eq!(bench.actions()[..2], ["kill 1", "task: cancelled"]);
}

#[test]
fn a_task_that_its_worker_has_not_begun_in_time_runs_elsewhere() {
    let mut bench = Bench::ready(workers(2, 2));
    let (task, stuck) = bench.run(LIMITED, "task");
    bench.next_deadline_after(3 * MS);
    bench.inspect(task, RunState::Unclaimed);
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
    for patience in [0, 200, 400, 800, 1600] {
        bench.next_deadline_after(Duration::ZERO);
        bench.inspect(task, RunState::Unclaimed);
        if patience > 0 {
            bench.next_deadline_after(patience * US);
            bench.inspect(task, RunState::Unclaimed);
        }
        bench.answer(task, true);
        assert_eq!(bench.actions(), ["task to 1"]);
    }
    // Once it begins it has its own limit, however patient the pool has become.
    bench.next_deadline_after(Duration::ZERO);
    bench.runs_for(task, Duration::ZERO);
    assert_eq!(
        bench.actions()[..2],
        ["kill 1", "task: timed out after 0ns"]
    );
}

#[test]
fn a_worker_that_leaves_a_limited_task_unclaimed_for_long_is_replaced() {
    let mut bench = Bench::ready(Config {
        stop_timeout: 3 * MS,
        ..workers(1, 1)
    });
    let (task, _) = bench.run(LIMITED, "task");
    bench.next_deadline_after(3 * MS);
    bench.inspect(task, RunState::Unclaimed);
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
