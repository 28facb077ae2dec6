//! Workers that start, fail to start, retire and are not needed any more.

use std::num::NonZeroU64;
use std::time::Duration;

use procpool_scheduler::{Config, TaskState};

use crate::bench::{Bench, LONG, MS, workers};

#[test]
fn the_least_number_of_workers_starts_at_once_and_others_on_demand() {
    let mut bench = Bench::starting(workers(1, 3));
    assert_eq!(bench.actions(), ["spawn 1"]);
    bench.submit(LONG, "a");
    assert_eq!(bench.actions(), [""; 0], "the one that starts is enough");
    for _ in 0..5 {
        bench.submit(LONG, "more");
    }
    assert_eq!(bench.actions(), ["spawn 2", "spawn 3"]);
}

#[test]
fn workers_beyond_the_least_number_are_stopped_when_idle_the_coldest_first() {
    let mut bench = Bench::starting(Config {
        idle_timeout: Some(9 * MS),
        ..workers(1, 3)
    });
    let tasks = ["a", "b", "c"].map(|name| bench.submit(LONG, name));
    bench.all_ready();
    assert_eq!(bench.actions(), ["a to 1", "b to 2", "c to 3"]);
    let [a, b, c] = tasks;
    for (number, task) in [(2, b), (1, a), (3, c)] {
        bench.finish(Bench::worker(number), task);
        bench.pass(MS);
    }
    bench.next_deadline_after(6 * MS);
    assert_eq!(bench.actions(), ["stop 2"]);
    bench.next_deadline_after(MS);
    assert_eq!(bench.actions(), ["stop 1"]);
    bench.exited(Bench::worker(1));
    bench.exited(Bench::worker(2));
    assert!(bench.has_no_deadline());
}

#[test]
fn when_no_worker_can_start_waiting_tasks_fail_and_attempts_slow_down() {
    let mut bench = Bench::starting(workers(1, 1));
    assert_eq!(bench.actions(), ["spawn 1"]);
    let mut pause = 100;
    for number in 1..9 {
        let task = bench.submit(LONG, "task");
        bench.start_failed(Bench::worker(number));
        assert_eq!(bench.actions(), [format!("task: {number} failed to start")]);
        assert_eq!(bench.state(task), TaskState::Finished);
        bench.next_deadline_after(Duration::from_millis(pause));
        assert_eq!(bench.actions(), [format!("spawn {}", number + 1)]);
        pause = (2 * pause).min(2_000);
    }
}

#[test]
fn after_a_failed_start_another_is_made_only_if_a_worker_is_wanted() {
    let mut bench = Bench::starting(workers(0, 1));
    bench.submit(LONG, "task");
    bench.start_failed(Bench::worker(1));
    assert_eq!(bench.actions(), ["spawn 1", "task: 1 failed to start"]);
    assert!(bench.has_no_deadline());
    bench.pass(30 * MS);
    bench.submit(LONG, "another");
    assert_eq!(bench.actions(), [""; 0]);
    bench.next_deadline_after(70 * MS);
    assert_eq!(bench.actions(), ["spawn 2"]);
}

#[test]
fn while_another_worker_starts_a_failed_start_fails_no_task() {
    let mut bench = Bench::starting(workers(2, 2));
    bench.submit(LONG, "task");
    bench.actions();
    bench.start_failed(Bench::worker(1));
    assert_eq!(bench.actions(), [""; 0]);
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), ["task to 2", "spawn 3"]);
}

#[test]
fn a_start_that_hangs_is_killed_and_counts_as_failed() {
    let mut bench = Bench::starting(Config {
        startup_timeout: 5 * MS,
        ..workers(1, 1)
    });
    bench.submit(LONG, "task");
    bench.actions();
    bench.next_deadline_after(5 * MS);
    assert_eq!(bench.actions(), ["kill 1", "task: 1 failed to start"]);
    bench.make_ready(Bench::worker(1));
    bench.exited(Bench::worker(1));
    assert_eq!(bench.actions(), [""; 0]);
    bench.next_deadline_after(100 * MS);
    assert_eq!(bench.actions(), ["spawn 2"]);
}

#[test]
fn workers_that_always_die_once_ready_are_not_respawned_at_full_speed() {
    let mut bench = Bench::starting(workers(1, 1));
    bench.actions();
    for number in 1..3 {
        bench.make_ready(Bench::worker(number));
        bench.exited(Bench::worker(number));
        assert_eq!(bench.actions(), [format!("spawn {}", number + 1)]);
    }
    bench.make_ready(Bench::worker(3));
    bench.exited(Bench::worker(3));
    assert_eq!(bench.actions(), [""; 0]);
    bench.next_deadline_after(100 * MS);
    assert_eq!(bench.actions(), ["spawn 4"]);
    bench.make_ready(Bench::worker(4));
    bench.exited(Bench::worker(4));
    bench.next_deadline_after(200 * MS);
}

#[test]
fn a_closed_pool_whose_workers_fail_to_start_ends() {
    let mut bench = Bench::starting(workers(1, 1));
    bench.submit(LONG, "task");
    bench.close();
    bench.start_failed(Bench::worker(1));
    assert_eq!(bench.actions(), ["spawn 1", "task: 1 failed to start"]);
    assert!(bench.scheduler.is_stopped());
    assert!(bench.has_no_deadline());
}

#[test]
fn a_worker_takes_no_more_tasks_than_it_may_and_its_replacement_starts_before_it_stops() {
    let config = Config {
        max_tasks_per_worker: NonZeroU64::new(2),
        ..workers(1, 1)
    };
    let mut bench = Bench::starting(config);
    bench.all_ready();
    let (first, worker) = bench.run(LONG, "first");
    bench.finish(worker, first);
    let (second, _) = bench.run(LONG, "second");
    bench.submit(LONG, "third");
    assert_eq!(bench.actions(), ["spawn 2"]);
    bench.make_ready(Bench::worker(2));
    assert_eq!(
        bench.actions(),
        [""; 0],
        "together they run no more than one task"
    );
    bench.finish(worker, second);
    assert_eq!(bench.actions(), ["stop 1", "third to 2"]);
}

#[test]
fn a_task_that_was_taken_back_does_not_count_for_the_worker() {
    let config = Config {
        max_tasks_per_worker: NonZeroU64::new(2),
        ..workers(1, 1)
    };
    let mut bench = Bench::starting(config);
    bench.all_ready();
    for _ in 0..5 {
        let (task, _) = bench.run(LONG, "task");
        bench.cancel(task);
        bench.answer(task, true);
        assert_eq!(bench.actions(), ["task: cancelled"]);
    }
}

#[test]
fn a_replacement_is_not_stopped_for_being_idle_and_started_again() {
    let config = Config {
        max_tasks_per_worker: NonZeroU64::new(1),
        idle_timeout: Some(Duration::ZERO),
        ..workers(0, 1)
    };
    let mut bench = Bench::starting(config);
    let task = bench.submit(LONG, "task");
    bench.all_ready();
    assert_eq!(bench.actions(), ["task to 1", "spawn 2"]);
    bench.make_ready(Bench::worker(2));
    assert!(
        bench.has_no_deadline(),
        "it is there for when the first one is done"
    );
    bench.finish(Bench::worker(1), task);
    assert_eq!(bench.actions(), ["stop 1", "stop 2"]);
}

#[test]
fn no_more_than_a_quarter_of_the_pool_is_replaced_at_a_time() {
    let config = Config {
        max_tasks_per_worker: NonZeroU64::new(1),
        ..workers(8, 8)
    };
    let mut bench = Bench::starting(config);
    bench.all_ready();
    for _ in 0..8 {
        bench.submit(LONG, "task");
    }
    let actions = bench.actions();
    assert_eq!(
        actions
            .iter()
            .filter(|action| action.starts_with("spawn"))
            .count(),
        2
    );
}

#[test]
fn workers_that_started_together_do_not_retire_together() {
    let most = 1_600;
    let config = Config {
        max_tasks_per_worker: NonZeroU64::new(most),
        window: 1,
        ..workers(4, 4)
    };
    let mut bench = Bench::starting(config);
    bench.all_ready();
    let mut retired = Vec::new();
    for round in 0..most {
        let tasks = [(); 4].map(|()| bench.submit(LONG, "task"));
        let actions = bench.actions();
        retired.extend(
            actions
                .iter()
                .filter(|a| a.starts_with("spawn"))
                .map(|_| round),
        );
        let on = actions
            .iter()
            .filter_map(|action| action.strip_prefix("task to "));
        let on: Vec<u64> = on.map(|number| number.parse().unwrap()).collect();
        if retired.len() == 4 {
            break;
        }
        for (task, worker) in tasks.into_iter().zip(on) {
            bench.finish(Bench::worker(worker), task);
        }
        bench.all_ready();
    }
    assert!(
        retired.windows(2).all(|pair| pair[1] - pair[0] > 20),
        "{retired:?}"
    );
}

#[test]
fn a_worker_that_needs_recycling_is_replaced_once_its_replacement_is_ready() {
    let mut bench = Bench::ready(workers(2, 2));
    let (task, worker) = bench.run(LONG, "task");
    bench.needs_recycle(worker);
    assert_eq!(bench.actions(), ["spawn 3"]);
    bench.make_ready(Bench::worker(3));
    assert_eq!(bench.actions(), [""; 0], "it finishes what it has");
    bench.finish(worker, task);
    let number = worker.as_u64();
    assert_eq!(bench.actions(), [format!("stop {number}")]);
}

#[test]
fn workers_that_need_recycling_are_replaced_one_after_another() {
    let mut bench = Bench::ready(workers(2, 2));
    bench.needs_recycle(Bench::worker(1));
    bench.needs_recycle(Bench::worker(2));
    assert_eq!(bench.actions(), ["spawn 3"]);
    bench.make_ready(Bench::worker(3));
    assert_eq!(bench.actions(), ["stop 1", "spawn 4"]);
    bench.exited(Bench::worker(1));
    bench.make_ready(Bench::worker(4));
    assert_eq!(bench.actions(), ["stop 2"]);
}

#[test]
fn workers_that_started_together_do_not_get_old_together() {
    let config = Config {
        max_age: Some(Duration::from_secs(64)),
        ..workers(4, 4)
    };
    let mut bench = Bench::ready(config);
    let mut spawned = Vec::new();
    for (number, pause) in [(5, 60), (6, 1), (7, 1), (8, 1)] {
        bench.next_deadline_after(Duration::from_secs(pause));
        let actions = bench.actions();
        assert!(actions.contains(&format!("spawn {number}")), "{actions:?}");
        bench.make_ready(Bench::worker(number));
        spawned.push(bench.actions());
    }
    assert_eq!(spawned, [["stop 4"], ["stop 3"], ["stop 2"], ["stop 1"]]);
}
