//! Room that is asked for before there is a task.

use procpool_scheduler::{Config, RefusedReason};

use crate::bench::{Bench, LONG, SHORT, workers};

fn with_capacity(queue_capacity: usize) -> Config {
    Config {
        queue_capacity,
        ..workers(1, 1)
    }
}

#[test]
fn room_that_is_there_is_granted_at_once() {
    let mut bench = Bench::ready(with_capacity(1));
    bench.reserve();
    bench.reserve();
    bench.reserve();
    assert_eq!(bench.actions(), ["grant 1", "grant 2"]);
    let counts = bench.scheduler.counts();
    assert_eq!((counts.reserved, counts.waiting), (2, 1));
}

#[test]
fn granted_room_is_not_given_to_another_caller() {
    let mut bench = Bench::ready(with_capacity(0));
    let permit = bench.reserve();
    assert_eq!(bench.actions(), ["grant 1"]);
    assert!(!bench.scheduler.has_room());
    assert_eq!(
        bench.refused(LONG),
        RefusedReason::QueueFull,
        "a worker is idle, but for the one with the permit"
    );
    assert!(bench.submit_reserved(permit, LONG, "mine").is_ok());
    assert_eq!(bench.actions(), ["mine to 1"]);
    assert_eq!(bench.scheduler.counts().reserved, 0);
}

#[test]
fn callers_that_wait_get_room_in_order_as_tasks_leave_the_queue() {
    let mut bench = Bench::ready(with_capacity(1));
    let (running, worker) = bench.run(LONG, "running");
    let queued = bench.submit(LONG, "queued");
    bench.reserve();
    bench.reserve();
    assert_eq!(bench.actions(), [""; 0]);
    bench.finish(worker, running);
    assert_eq!(bench.actions(), ["queued to 1", "grant 1"]);
    bench.finish(worker, queued);
    assert_eq!(bench.actions(), ["grant 2"]);
}

#[test]
fn a_task_that_is_cancelled_while_it_waits_makes_room() {
    let mut bench = Bench::ready(with_capacity(1));
    bench.run(LONG, "running");
    let queued = bench.submit(LONG, "queued");
    bench.reserve();
    bench.cancel(queued);
    assert_eq!(bench.actions(), ["queued: cancelled", "grant 1"]);
}

#[test]
fn room_that_is_given_back_goes_to_the_next_and_only_once() {
    let mut bench = Bench::ready(with_capacity(0));
    let first = bench.reserve();
    bench.reserve();
    bench.reserve();
    assert_eq!(bench.actions(), ["grant 1"]);
    bench.release(first);
    assert_eq!(bench.actions(), ["grant 2"]);
    bench.release(first);
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn a_caller_that_stops_waiting_is_passed_over() {
    let mut bench = Bench::ready(with_capacity(0));
    let first = bench.reserve();
    let second = bench.reserve();
    bench.reserve();
    bench.release(second);
    bench.release(first);
    assert_eq!(bench.actions(), ["grant 1", "grant 3"]);
}

#[test]
fn a_caller_that_waits_comes_before_later_ones() {
    let mut bench = Bench::ready(with_capacity(0));
    let (running, worker) = bench.run(SHORT, "running");
    bench.reserve();
    assert_eq!(
        bench.refused(SHORT),
        RefusedReason::QueueFull,
        "short tasks behind short tasks might go on for ever"
    );
    bench.finish(worker, running);
    assert_eq!(bench.actions(), ["grant 1"]);
}

#[test]
fn a_worker_that_is_free_for_a_task_sent_ahead_is_not_room() {
    let mut bench = Bench::ready(Config {
        queue_capacity: 0,
        ..workers(2, 2)
    });
    let heads = [bench.run(SHORT, "a"), bench.run(SHORT, "b")];
    let (ahead, loaded) = bench.run(SHORT, "ahead");
    bench.reserve();
    let [(head, other)] = heads
        .into_iter()
        .filter(|(_, worker)| *worker != loaded)
        .collect::<Vec<_>>()[..]
    else {
        panic!("two workers, a task on each");
    };
    bench.finish(other, head);
    bench.answer(ahead, true);
    assert_eq!(bench.actions(), [format!("ahead to {other}")]);
}

#[test]
fn a_closed_pool_denies_waiting_callers_and_refuses_those_with_room() {
    let mut bench = Bench::ready(with_capacity(0));
    let permit = bench.reserve();
    bench.reserve();
    bench.reserve();
    assert_eq!(bench.actions(), ["grant 1"]);
    bench.close();
    assert_eq!(bench.actions(), ["deny 2", "deny 3", "stop 1"]);
    assert_eq!(
        bench.submit_reserved(permit, LONG, "late"),
        Err(RefusedReason::Closed)
    );
    bench.release(permit);
    bench.reserve();
    assert_eq!(bench.actions(), ["deny 4"]);
}

#[test]
fn a_terminated_pool_denies_waiting_callers() {
    let mut bench = Bench::ready(with_capacity(0));
    bench.run(LONG, "running");
    bench.reserve();
    bench.terminate();
    assert_eq!(bench.actions(), ["deny 1", "kill 1", "running: terminated"]);
}

#[test]
fn without_a_permit_a_task_is_as_any_other() {
    let mut bench = Bench::ready(with_capacity(0));
    let used = bench.reserve();
    assert_eq!(bench.actions(), ["grant 1"]);
    assert!(bench.submit_reserved(used, LONG, "first").is_ok());
    assert_eq!(
        bench.submit_reserved(used, LONG, "second"),
        Err(RefusedReason::QueueFull)
    );
}
