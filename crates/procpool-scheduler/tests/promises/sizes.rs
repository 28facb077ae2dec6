//! How many workers there are: when that is changed, who stands by, and who waits for all of them.

use std::num::NonZeroU64;
use std::time::Duration;

use procpool_scheduler::{Config, RefusedReason, TaskId, TaskSpec};

use crate::bench::{Bench, LONG, MEDIUM, MS, SHORT, workers};

fn standby(min: usize, max: usize, standby_workers: usize) -> Config {
    Config {
        standby_workers,
        ..workers(min, max)
    }
}

#[test]
fn a_pool_that_is_made_larger_starts_workers_at_once_as_many_as_it_shall_have_or_has_work_for() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.resize(3, 8);
    assert_eq!(bench.actions(), ["spawn 2", "spawn 3"]);
    bench.all_ready();

    let mut bench = Bench::starting(workers(0, 1));
    for name in ["a", "b", "c"] {
        bench.submit(LONG, name);
    }
    bench.all_ready();
    assert_eq!(bench.actions(), ["a to 1"]);
    bench.resize(0, 2);
    assert_eq!(bench.actions(), ["spawn 2"], "no more than it may have");
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), ["b to 2"]);
}

#[test]
fn a_pool_that_is_made_smaller_stops_idle_workers_at_once_and_busy_ones_when_they_are_done() {
    let mut bench = Bench::ready(workers(4, 4));
    let (a, on) = bench.run(LONG, "a");
    let (b, _) = bench.run(LONG, "b");
    let (c, other) = bench.run(LONG, "c");
    bench.resize(1, 1);
    assert_eq!(bench.actions(), ["stop 1"]);
    bench.submit(LONG, "d");
    bench.finish(on, a);
    assert_eq!(bench.actions(), [format!("stop {on}")]);
    bench.finish(other, c);
    assert_eq!(bench.actions(), [format!("stop {other}")]);
    bench.finish(Bench::worker(3), b);
    assert_eq!(bench.actions(), ["d to 3"]);
}

#[test]
fn while_more_work_than_may_not_even_a_short_task_is_sent() {
    let mut bench = Bench::ready(workers(2, 2));
    let (a, on_a) = bench.run(SHORT, "a");
    let (b, on_b) = bench.run(SHORT, "b");
    bench.resize(1, 1);
    bench.submit(SHORT, "c");
    assert_eq!(bench.actions(), [""; 0]);
    bench.finish(on_a, a);
    assert_eq!(
        bench.actions(),
        [format!("c to {on_b}"), format!("stop {on_a}")],
        "one is left, and is soon done with what it has"
    );
    bench.finish(on_b, b);
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn a_pool_that_is_made_smaller_gives_up_those_that_start_before_those_that_are_ready() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.resize(4, 4);
    assert_eq!(bench.actions(), ["spawn 2", "spawn 3", "spawn 4"]);
    bench.resize(2, 2);
    assert_eq!(bench.actions(), ["stop 4", "stop 3"]);
    bench.exited(Bench::worker(3));
    bench.exited(Bench::worker(4));
    bench.make_ready(Bench::worker(2));
    assert!(bench.has_no_deadline(), "nobody has failed to start");
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn the_last_size_counts() {
    let mut bench = Bench::ready(workers(2, 2));
    let (a, _) = bench.run(LONG, "a");
    let (b, on_b) = bench.run(LONG, "b");
    bench.resize(1, 1);
    bench.resize(2, 2);
    bench.finish(on_b, b);
    assert_eq!(bench.actions(), [""; 0], "the pool may have it again");
    assert_eq!(bench.scheduler.size(), (2, 2));
    bench.cancel(a);
}

#[test]
fn sizes_that_cannot_be_are_brought_into_bounds() {
    let mut bench = Bench::ready(workers(2, 2));
    bench.resize(5, 0);
    assert_eq!(bench.scheduler.size(), (1, 1));
}

#[test]
fn a_closed_pool_keeps_its_size() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.run(LONG, "a");
    bench.submit(LONG, "b");
    bench.close();
    bench.resize(4, 4);
    assert_eq!(bench.actions(), [""; 0]);
    assert_eq!(bench.scheduler.size(), (1, 1));
}

#[test]
fn a_worker_that_waits_for_its_replacement_goes_at_once_if_the_pool_is_made_so_small() {
    let mut bench = Bench::ready(workers(2, 2));
    bench.needs_recycle(Bench::worker(1));
    assert_eq!(bench.actions(), ["spawn 3"]);
    bench.resize(1, 1);
    assert_eq!(bench.actions(), ["stop 1", "stop 3"]);

    // Nor does one of two linger, each of which had a replacement on the way.
    let mut bench = Bench::ready(workers(8, 8));
    bench.needs_recycle(Bench::worker(1));
    bench.needs_recycle(Bench::worker(2));
    assert_eq!(bench.actions(), ["spawn 9", "spawn 10"]);
    bench.resize(1, 1);
    let stopped = bench.actions();
    assert_eq!(stopped.len(), 9, "{stopped:?}");
    assert_eq!(bench.scheduler.counts().idle, 1);
}

#[test]
fn workers_between_the_least_and_the_most_stop_for_being_idle_after_a_resize_too() {
    let mut bench = Bench::ready(Config {
        idle_timeout: Some(9 * MS),
        ..workers(2, 2)
    });
    bench.resize(0, 2);
    assert_eq!(bench.actions(), [""; 0]);
    bench.next_deadline_after(9 * MS);
    assert_eq!(bench.actions().len(), 2);
}

#[test]
fn a_worker_that_is_being_replaced_stops_when_idle_if_no_replacement_is_needed() {
    let mut bench = Bench::starting(Config {
        idle_timeout: Some(9 * MS),
        ..workers(0, 1)
    });
    let task = bench.submit(LONG, "a");
    bench.all_ready();
    bench.finish(Bench::worker(1), task);
    bench.actions();
    bench.needs_recycle(Bench::worker(1));
    assert_eq!(bench.actions(), [""; 0]);
    bench.next_deadline_after(9 * MS);
    assert_eq!(bench.actions(), ["stop 1"]);
}

#[test]
fn workers_stand_by_beyond_the_most_that_work() {
    let mut bench = Bench::starting(standby(1, 2, 1));
    assert_eq!(bench.actions(), ["spawn 1", "spawn 2"]);
    bench.make_ready(Bench::worker(1));
    bench.make_ready(Bench::worker(2));
    bench.run(LONG, "a");
    assert_eq!(bench.actions(), [""; 0], "one works, one stands by");
    bench.run(LONG, "b");
    assert_eq!(bench.actions(), ["spawn 3"]);
    bench.make_ready(Bench::worker(3));
    bench.submit(LONG, "c");
    assert_eq!(bench.actions(), [""; 0], "two are at work");
    assert_eq!(bench.scheduler.counts().idle, 1);
}

#[test]
fn a_standby_worker_replaces_a_dead_worker_at_once_and_another_one_starts() {
    let mut bench = Bench::starting(standby(1, 1, 1));
    bench.actions();
    bench.make_ready(Bench::worker(1));
    bench.make_ready(Bench::worker(2));
    let (a, on) = bench.run(LONG, "a");
    bench.submit(LONG, "b");
    assert_eq!(bench.actions(), [""; 0]);
    bench.exited(on);
    bench.answer(a, false);
    assert_eq!(
        bench.actions(),
        ["a: 2 died, attempt 1", "b to 1", "spawn 3"]
    );
}

#[test]
fn a_standby_worker_does_not_wait_until_a_killed_worker_is_reaped() {
    let mut bench = Bench::starting(standby(1, 1, 1));
    bench.actions();
    bench.make_ready(Bench::worker(1));
    bench.make_ready(Bench::worker(2));
    let (a, _) = bench.run(LONG, "a");
    bench.submit(LONG, "b");
    bench.cancel(a);
    bench.answer(a, false);
    assert_eq!(
        bench.actions(),
        ["kill 2", "a: cancelled", "b to 1", "spawn 3"]
    );
}

#[test]
fn a_standby_worker_is_not_stopped_for_being_idle() {
    let mut bench = Bench::starting(Config {
        idle_timeout: Some(9 * MS),
        ..standby(0, 4, 2)
    });
    bench.all_ready();
    assert!(bench.has_no_deadline());
    let tasks = ["a", "b"].map(|name| bench.submit(LONG, name));
    assert_eq!(
        bench.actions(),
        ["a to 2", "spawn 3", "b to 1", "spawn 4"],
        "behind each there is another one"
    );
    bench.make_ready(Bench::worker(3));
    bench.make_ready(Bench::worker(4));
    assert!(bench.has_no_deadline());
    for (number, task) in [2, 1].into_iter().zip(tasks) {
        bench.finish(Bench::worker(number), task);
    }
    bench.next_deadline_after(9 * MS);
    assert_eq!(bench.actions(), ["stop 3", "stop 4"]);
    bench.exited(Bench::worker(3));
    bench.exited(Bench::worker(4));
    assert_eq!(bench.scheduler.counts().idle, 2);
    assert!(bench.has_no_deadline());
}

#[test]
fn a_standby_worker_takes_over_from_a_worker_at_its_task_limit() {
    let mut bench = Bench::starting(Config {
        max_tasks_per_worker: NonZeroU64::new(1),
        ..standby(1, 1, 1)
    });
    bench.all_ready();
    let (a, on) = bench.run(LONG, "a");
    bench.submit(LONG, "b");
    assert_eq!(bench.actions(), ["spawn 3"]);
    bench.finish(on, a);
    assert_eq!(
        bench.actions(),
        ["stop 2", "b to 1", "spawn 4"],
        "it waits for nobody who is yet to start"
    );
}

#[test]
fn a_closed_pool_keeps_no_standby_workers() {
    let mut bench = Bench::starting(standby(1, 1, 1));
    bench.all_ready();
    let (a, on) = bench.run(LONG, "a");
    let b = bench.submit(LONG, "b");
    bench.close();
    bench.exited(Bench::worker(1));
    assert_eq!(bench.actions(), [""; 0]);
    bench.finish(on, a);
    assert_eq!(bench.actions(), ["b to 2"]);
    bench.finish(on, b);
    assert_eq!(bench.actions(), ["stop 2"]);
}

#[test]
fn to_warm_up_starts_all_workers_that_there_may_be_and_ends_when_they_are_ready() {
    let mut bench = Bench::starting(Config {
        idle_timeout: Some(Duration::from_secs(1)),
        ..standby(0, 2, 1)
    });
    assert_eq!(bench.actions(), ["spawn 1"]);
    let warm_up = bench.warm_up();
    assert_eq!(bench.actions(), ["spawn 2", "spawn 3"]);
    bench.make_ready(Bench::worker(1));
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), [""; 0]);
    bench.make_ready(Bench::worker(3));
    assert_eq!(bench.actions(), [format!("{warm_up} is warm")]);
    let again = bench.warm_up();
    assert_eq!(bench.actions(), [format!("{again} is warm")]);
    bench.next_deadline_after(Duration::from_secs(1));
    assert_eq!(bench.actions().len(), 2, "they are not needed after all");
}

#[test]
fn a_worker_that_is_busy_is_warm() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.run(LONG, "a");
    let warm_up = bench.warm_up();
    assert_eq!(bench.actions(), [format!("{warm_up} is warm")]);
}

#[test]
fn to_warm_up_fails_with_the_first_worker_that_fails_to_start() {
    let mut bench = Bench::starting(workers(2, 2));
    let warm_up = bench.warm_up();
    assert_eq!(bench.actions(), ["spawn 1", "spawn 2"]);
    bench.make_ready(Bench::worker(1));
    bench.start_failed(Bench::worker(2));
    let failure = format!("{warm_up} is not warm: 2 failed to start");
    assert_eq!(bench.actions()[0], failure);
}

#[test]
fn to_warm_up_fails_when_workers_die_once_they_are_ready() {
    let mut bench = Bench::starting(workers(2, 2));
    let warm_up = bench.warm_up();
    let mut told = Vec::new();
    for number in 1..=3 {
        told.extend(bench.actions());
        bench.make_ready(Bench::worker(number));
        bench.exited(Bench::worker(number));
    }
    told.extend(bench.actions());
    let failure = format!("{warm_up} is not warm: 3 failed to start");
    assert!(told.contains(&failure), "{told:?}");
}

#[test]
fn to_warm_up_means_the_size_of_the_moment() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.resize(0, 3);
    let warm_up = bench.warm_up();
    assert_eq!(bench.actions(), ["spawn 2", "spawn 3"]);
    bench.make_ready(Bench::worker(2));
    bench.resize(0, 2);
    assert_eq!(
        bench.actions(),
        [format!("{warm_up} is warm"), "stop 3".to_owned()]
    );
}

#[test]
fn a_warm_up_of_a_closed_pool_fails_at_once() {
    let mut bench = Bench::starting(workers(1, 1));
    let before = bench.warm_up();
    bench.close();
    let after = bench.warm_up();
    let told = bench.actions();
    for warm_up in [before, after] {
        assert!(
            told.contains(&format!("{warm_up} is not warm: closed")),
            "{told:?}"
        );
    }
}

#[test]
fn workers_of_a_warm_up_that_was_left_are_not_started_again() {
    let mut bench = Bench::starting(workers(0, 2));
    let warm_up = bench.warm_up();
    bench.leave_warm_up(warm_up);
    assert_eq!(bench.actions(), ["spawn 1", "spawn 2"]);
    bench.start_failed(Bench::worker(1));
    bench.start_failed(Bench::worker(2));
    assert_eq!(bench.actions(), [""; 0], "and nobody is told");
    assert!(bench.has_no_deadline());
}

/// A function of a millisecond that takes far longer this time, and a call of it that was sent behind that one.
fn one_waits_behind_a_late_one(config: Config) -> (Bench, TaskId) {
    let mut bench = Bench::ready(Config {
        late_after: Some(5 * MS),
        ..config
    });
    bench.learn(MEDIUM, MS);
    bench.run(MEDIUM, "late");
    let (behind, _) = bench.run(MEDIUM, "behind");
    assert_eq!(bench.actions(), [""; 0], "it is expected to be soon done");
    (bench, behind)
}

#[test]
fn a_pool_grows_for_a_task_that_was_sent_behind_one_that_is_late() {
    let (mut bench, behind) = one_waits_behind_a_late_one(workers(1, 4));
    assert_eq!(bench.scheduler.counts().queued, 0);
    bench.next_deadline_after(5 * MS);
    bench.answer(behind, true);
    assert_eq!(bench.actions(), ["spawn 2"]);
    assert_eq!(bench.scheduler.counts().queued, 1);
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), ["behind to 2"]);
    assert!(bench.has_no_deadline(), "nothing waits behind a task");
}

#[test]
fn a_task_behind_a_late_one_makes_the_pool_start_another_standby_worker() {
    let mut bench = Bench::ready(Config {
        late_after: Some(5 * MS),
        ..standby(1, 4, 1)
    });
    bench.learn(MEDIUM, MS);
    bench.run(MEDIUM, "late");
    bench.run(MEDIUM, "late too");
    assert_eq!(bench.actions(), ["spawn 3"]);
    let (behind, _) = bench.run(MEDIUM, "behind");
    bench.next_deadline_after(5 * MS);
    bench.answer(behind, true);
    assert_eq!(bench.actions(), ["spawn 4"]);
}

#[test]
fn a_task_behind_a_late_one_counts_as_queued_in_a_pool_that_cannot_grow() {
    let (mut bench, behind) = one_waits_behind_a_late_one(Config {
        queue_capacity: 1,
        ..workers(1, 1)
    });
    bench.next_deadline_after(5 * MS);
    bench.answer(behind, true);
    assert_eq!(bench.actions(), [""; 0]);
    assert_eq!(bench.scheduler.counts().queued, 1);
    assert_eq!(bench.refused(MEDIUM), RefusedReason::QueueFull);
    assert!(bench.has_no_deadline(), "nothing waits behind a task");
}

#[test]
fn a_pool_grows_for_the_items_of_a_task_that_takes_longer_than_expected() {
    let chunk = TaskSpec {
        items: 10,
        ..MEDIUM
    };
    let mut bench = Bench::ready(Config {
        late_after: Some(5 * MS),
        ..workers(1, 3)
    });
    bench.learn(MEDIUM, MS);
    let (chunk, _) = bench.run(chunk, "chunk");
    bench.next_deadline_after(5 * MS);
    assert_eq!(bench.actions(), [""; 0], "it is expected to take 10 ms");
    bench.next_deadline_after(5 * MS);
    assert_eq!(bench.actions(), ["take back half of chunk from 1"]);
    bench.split(chunk, 6, Some((4, "rest")));
    assert_eq!(bench.actions(), ["spawn 2"]);
    bench.next_deadline_after(5 * MS);
    assert_eq!(bench.actions(), ["take back half of chunk from 1"]);
    bench.split(chunk, 3, Some((3, "another")));
    assert_eq!(bench.actions(), ["spawn 3"]);
    bench.next_deadline_after(5 * MS);
    assert_eq!(bench.actions(), [""; 0], "no other worker can be started");
}
