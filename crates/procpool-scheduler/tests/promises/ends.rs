//! Cancelling tasks, and closing and terminating pools.

use std::num::NonZeroU64;

use procpool_scheduler::{Config, Finished, RefusedReason, TaskSpec, TaskState};

use crate::bench::{Bench, LONG, MS, SHORT, US, workers};

const GRACE: TaskSpec = TaskSpec {
    grace: Some(MS),
    ..LONG
};

#[test]
fn a_queued_task_that_is_cancelled_never_runs() {
    let mut bench = Bench::ready(workers(1, 1));
    let (first, worker) = bench.run(LONG, "first");
    let second = bench.submit(LONG, "second");
    bench.cancel(second);
    assert_eq!(bench.actions(), ["second: cancelled"]);
    assert_eq!(bench.state(second), TaskState::Finished);
    bench.finish(worker, first);
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn a_task_that_is_cancelled_while_it_waits_leaves_no_alarm() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.run(LONG, "first");
    let second = bench.submit(
        TaskSpec {
            queue_timeout: Some(MS),
            ..LONG
        },
        "second",
    );
    bench.cancel(second);
    assert!(bench.has_no_deadline());
}

#[test]
fn a_sent_task_that_has_not_begun_is_cancelled_without_a_kill() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.run(SHORT, "head");
    let (ahead, _) = bench.run(SHORT, "ahead");
    bench.cancel(ahead);
    bench.answer(ahead, true);
    assert_eq!(bench.actions(), ["ahead: cancelled"]);
}

#[test]
fn cancelling_a_running_task_kills_its_worker_and_replaces_it_at_once() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, _) = bench.run(LONG, "task");
    bench.cancel(task);
    bench.answer(task, false);
    assert_eq!(bench.actions(), ["kill 1", "task: cancelled", "spawn 2"]);
    bench.cancel(task);
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn bystanders_of_a_kill_run_elsewhere_in_order() {
    let mut bench = Bench::ready(workers(1, 1));
    let (head, worker) = bench.run(SHORT, "head");
    let (a, _) = bench.run(SHORT, "a");
    let (b, _) = bench.run(SHORT, "b");
    bench.submit(LONG, "queued");
    bench.cancel(head);
    bench.answer(head, false);
    bench.answer(b, true);
    bench.answer(a, true);
    assert_eq!(bench.actions(), ["kill 1", "head: cancelled", "spawn 2"]);
    bench.exited(worker);
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), ["a to 2", "b to 2"]);
    assert_eq!(bench.scheduler.counts().queued, 1);
}

#[test]
fn a_bystander_that_finished_before_the_kill_keeps_its_result() {
    let mut bench = Bench::ready(workers(1, 1));
    let (done, worker) = bench.run(SHORT, "done");
    let (running, _) = bench.run(SHORT, "running");
    bench.cancel(running);
    bench.answer(running, false);
    bench.answer(done, false);
    assert_eq!(bench.actions(), ["kill 1", "running: cancelled", "spawn 2"]);
    assert!(matches!(
        bench.finish(worker, done),
        Finished::Resolved("done")
    ));
    bench.exited(worker);
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn a_task_with_grace_is_asked_first_and_killed_after_it() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, _) = bench.run(GRACE, "task");
    bench.cancel(task);
    bench.answer(task, false);
    assert_eq!(bench.actions(), ["request cancel on 1", "task: cancelled"]);
    assert_eq!(bench.state(task), TaskState::Finished);
    bench.submit(LONG, "next");
    assert_eq!(
        bench.actions(),
        [""; 0],
        "the worker is busy until it is done or killed"
    );
    bench.next_deadline_after(MS);
    assert_eq!(bench.actions(), ["kill 1", "spawn 2"]);
}

#[test]
fn a_worker_whose_task_gives_up_in_time_is_used_again() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(GRACE, "task");
    bench.cancel(task);
    bench.answer(task, false);
    bench.actions();
    bench.submit(LONG, "next");
    assert!(matches!(bench.finish(worker, task), Finished::Late));
    assert_eq!(bench.actions(), ["next to 1"]);
    assert!(bench.has_no_deadline());
}

#[test]
fn what_was_sent_behind_a_task_in_its_grace_does_not_wait_for_it() {
    let mut bench = Bench::ready(workers(1, 1));
    let (head, _) = bench.run(
        TaskSpec {
            grace: Some(MS),
            ..SHORT
        },
        "head",
    );
    let (ahead, _) = bench.run(SHORT, "ahead");
    bench.cancel(head);
    bench.answer(head, false);
    bench.answer(ahead, true);
    assert_eq!(bench.actions(), ["request cancel on 1", "head: cancelled"]);
    assert_eq!(bench.state(ahead), TaskState::Queued);
}

#[test]
fn a_worker_that_has_begun_a_later_task_is_not_killed_for_one_whose_result_is_on_its_way() {
    let mut bench = Bench::ready(workers(1, 1));
    let (first, worker) = bench.run(SHORT, "first");
    let (second, _) = bench.run(SHORT, "second");
    let (third, _) = bench.run(SHORT, "third");
    bench.cancel(first);
    bench.answer(first, false);
    bench.answer(third, true);
    bench.answer(second, false);
    assert_eq!(bench.actions(), ["first: cancelled"]);
    assert!(matches!(bench.finish(worker, first), Finished::Late));
    assert_eq!(bench.actions(), ["third to 1"]);
    assert!(matches!(
        bench.finish(worker, second),
        Finished::Resolved("second")
    ));
}

#[test]
fn of_two_cancelled_tasks_that_have_begun_the_later_one_costs_the_worker() {
    let mut bench = Bench::ready(workers(1, 1));
    let (first, _) = bench.run(SHORT, "first");
    let (second, _) = bench.run(SHORT, "second");
    bench.cancel(first);
    bench.answer(first, false);
    bench.answer(second, false);
    assert_eq!(bench.actions(), ["first: cancelled"]);
    bench.cancel(second);
    assert_eq!(bench.actions(), ["kill 1", "second: cancelled", "spawn 2"]);
}

#[test]
fn a_worker_that_has_begun_a_later_task_outlives_the_limit_of_an_earlier_one() {
    let mut bench = Bench::ready(workers(1, 1));
    let limited = TaskSpec {
        timeout: Some(MS),
        ..SHORT
    };
    let (first, worker) = bench.run(limited, "first");
    let (second, _) = bench.run(SHORT, "second");
    bench.next_deadline_after(MS);
    // A lie, since it has begun another since.
    bench.runs_for(first, MS);
    bench.answer(second, false);
    assert_eq!(bench.actions(), ["first: timed out after 1ms"]);
    assert!(matches!(bench.finish(worker, first), Finished::Late));
    assert!(matches!(
        bench.finish(worker, second),
        Finished::Resolved("second")
    ));
}

#[test]
fn a_worker_that_has_begun_a_later_task_outlives_the_grace_of_an_earlier_one() {
    let mut bench = Bench::ready(workers(1, 1));
    let gentle = TaskSpec {
        grace: Some(MS),
        ..SHORT
    };
    let (first, worker) = bench.run(gentle, "first");
    let (second, _) = bench.run(SHORT, "second");
    bench.cancel(first);
    bench.answer(first, false);
    bench.answer(second, false);
    assert_eq!(bench.actions(), ["request cancel on 1", "first: cancelled"]);
    bench.next_deadline_after(MS);
    assert_eq!(bench.actions(), [""; 0]);
    assert!(matches!(bench.finish(worker, first), Finished::Late));
    assert!(matches!(
        bench.finish(worker, second),
        Finished::Resolved("second")
    ));
}

#[test]
fn cancel_if_queued_leaves_a_task_that_has_begun() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(LONG, "task");
    bench.cancel_if_queued(task);
    bench.answer(task, false);
    assert_eq!(bench.actions(), [""; 0]);
    assert!(matches!(
        bench.finish(worker, task),
        Finished::Resolved("task")
    ));
}

#[test]
fn what_has_not_begun_is_cancelled_all_at_once_and_what_runs_goes_on() {
    let mut bench = Bench::ready(workers(1, 1));
    let (running, worker) = bench.run(SHORT, "running");
    let (ahead, _) = bench.run(SHORT, "ahead");
    let waiting = [bench.submit(LONG, "third"), bench.submit(LONG, "fourth")];
    assert_eq!(bench.actions(), [""; 0]);
    bench.cancel_queued();
    // Who is asked first doesn't matter; nothing is sent before all is answered.
    let mut told = bench.answer_all(&[(running, false), (ahead, true)]);
    told.sort();
    assert_eq!(
        told,
        ["ahead: cancelled", "fourth: cancelled", "third: cancelled"]
    );
    assert_eq!(bench.state(waiting[1]), TaskState::Finished);
    assert!(matches!(
        bench.finish(worker, running),
        Finished::Resolved("running")
    ));
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn a_closed_pool_finishes_what_it_accepted_and_stops() {
    let mut bench = Bench::ready(workers(1, 1));
    let (first, worker) = bench.run(LONG, "first");
    let second = bench.submit(LONG, "second");
    bench.close();
    assert_eq!(bench.refused(LONG), RefusedReason::Closed);
    bench.finish(worker, first);
    assert_eq!(bench.actions(), ["second to 1"]);
    bench.finish(worker, second);
    assert_eq!(bench.actions(), ["stop 1"]);
    assert!(!bench.scheduler.is_stopped());
    bench.exited(worker);
    assert!(bench.scheduler.is_stopped());
    assert!(bench.has_no_deadline());
}

#[test]
fn a_closed_pool_starts_no_worker_without_a_task_for_it() {
    let config = Config {
        max_tasks_per_worker: NonZeroU64::new(1),
        ..workers(1, 1)
    };
    let mut bench = Bench::starting(config);
    bench.all_ready();
    let (task, worker) = bench.run(GRACE, "task");
    assert_eq!(bench.actions(), ["spawn 2"]);
    bench.close();
    bench.cancel(task);
    bench.answer(task, false);
    assert_eq!(
        bench.actions(),
        ["request cancel on 1", "task: cancelled", "stop 2"]
    );
    bench.exited(Bench::worker(2));
    bench.finish(worker, task);
    assert_eq!(bench.actions(), ["stop 1"]);
}

#[test]
fn a_worker_that_does_not_stop_is_killed() {
    let mut bench = Bench::ready(Config {
        stop_timeout: 7 * MS,
        ..workers(1, 1)
    });
    bench.close();
    assert_eq!(bench.actions(), ["stop 1"]);
    bench.next_deadline_after(7 * MS);
    assert_eq!(bench.actions(), ["kill 1"]);
    bench.exited(Bench::worker(1));
    assert!(bench.scheduler.is_stopped());
}

#[test]
fn terminate_kills_every_worker_and_resolves_every_task_once() {
    let mut bench = Bench::ready(workers(1, 1));
    let (running, worker) = bench.run(GRACE, "running");
    bench.submit(LONG, "queued");
    bench.terminate();
    assert_eq!(
        bench.actions(),
        ["kill 1", "queued: terminated", "running: terminated"]
    );
    assert!(matches!(bench.finish(worker, running), Finished::Late));
    bench.exited(worker);
    assert_eq!(bench.actions(), [""; 0]);
    assert!(bench.scheduler.is_stopped());
}

#[test]
fn a_worker_that_leaves_task_after_task_unclaimed_is_replaced() {
    let mut bench = Bench::ready(Config {
        stop_timeout: 5 * MS,
        ..workers(1, 1)
    });
    for _ in 0..4 {
        let (task, _) = bench.run(LONG, "task");
        bench.pass(MS + 500 * US);
        bench.cancel(task);
        bench.answer(task, true);
        if bench.elapsed() < 5 * MS {
            assert_eq!(bench.actions(), ["task: cancelled"]);
        } else {
            assert_eq!(bench.actions(), ["task: cancelled", "kill 1", "spawn 2"]);
        }
    }
}

#[test]
fn a_task_that_is_cancelled_while_it_is_taken_back_never_runs() {
    let mut bench = Bench::ready(workers(1, 1));
    let (a, worker) = bench.run(SHORT, "a");
    let (b, _) = bench.run(SHORT, "b");
    bench.faulty(worker);
    bench.cancel(b);
    let told = bench.answer_all(&[(a, false), (b, true)]);
    assert_eq!(told, ["kill 1", "b: cancelled", "spawn 2"]);
}
