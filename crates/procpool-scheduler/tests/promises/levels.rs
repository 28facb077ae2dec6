//! Who is served before whom, by how urgent it is.

use procpool_scheduler::{Config, FunctionKey, Level, TaskSpec};

use crate::bench::{Bench, LONG, MS, SHORT, workers};

fn at(level: Level) -> TaskSpec {
    TaskSpec { level, ..LONG }
}

/// A pool whose only worker is busy.
fn busy(config: Config) -> Bench {
    let mut bench = Bench::ready(config);
    bench.submit(LONG, "running");
    bench
}

#[test]
fn the_higher_level_is_served_first_and_each_in_order() {
    let mut bench = busy(workers(1, 1));
    let names = [
        ("lowest", Level::Lowest),
        ("low", Level::Low),
        ("normal", Level::Normal),
        ("high", Level::High),
        ("highest", Level::Highest),
        ("another low", Level::Low),
        ("another highest", Level::Highest),
        ("another normal", Level::Normal),
    ];
    for (name, level) in names {
        bench.submit(at(level), name);
    }
    let order = bench.run_in_order(9, |_| 50 * MS);
    let expected = [
        "running",
        "highest",
        "another highest",
        "high",
        "normal",
        "another normal",
        "low",
        "another low",
        "lowest",
    ];
    assert_eq!(order, expected);
}

#[test]
fn a_level_says_nothing_of_tasks_for_which_a_worker_is_idle() {
    let mut bench = Bench::ready(workers(2, 2));
    bench.run(at(Level::Lowest), "lowest");
    bench.run(at(Level::Highest), "highest");
}

#[test]
fn while_higher_tasks_wait_a_level_has_a_sixteenth_of_their_time() {
    let mut bench = busy(workers(1, 1));
    for _ in 0..200 {
        bench.submit(at(Level::High), "high");
    }
    for _ in 0..10 {
        bench.submit(at(Level::Low), "low");
    }
    let order = bench.run_in_order(1 + 5 * 17, |_| 50 * MS);
    let lows = |names: &[&str]| names.iter().filter(|name| **name == "low").count();
    for turns in order[1..].chunks(17) {
        assert_eq!(lows(turns), 1);
        assert_eq!(turns[16], "low");
    }
}

#[test]
fn a_lower_task_waits_in_proportion_to_its_own_length() {
    let short = FunctionKey(77);
    let mut bench = busy(workers(1, 1));
    for _ in 0..300 {
        bench.submit(
            TaskSpec {
                function: short,
                ..at(Level::High)
            },
            "high",
        );
    }
    bench.submit(at(Level::Low), "low, ten times as long");
    let order = bench.run_in_order(250, |name| match name {
        "high" => 5 * MS,
        _ => 50 * MS,
    });
    let low = order
        .iter()
        .position(|name| *name != "high" && *name != "running");
    // Of the first of the high ones nothing is known yet.
    let low = low.expect("it has run");
    assert!((158..=163).contains(&low), "{low} before it");
}

#[test]
fn a_task_of_which_nothing_is_known_has_its_turn_after_sixteen() {
    let unknown = FunctionKey(77);
    let mut bench = busy(workers(1, 1));
    for _ in 0..100 {
        bench.submit(at(Level::High), "high");
    }
    for level in [Level::Normal, Level::Low] {
        bench.submit(
            TaskSpec {
                function: unknown,
                ..at(level)
            },
            "unknown",
        );
    }
    let order = bench.run_in_order(1 + 16 + 2, |_| 50 * MS);
    let unknown = |name: &&&str| **name == "unknown";
    assert_eq!(order[1..17].iter().find(unknown), None);
    assert_eq!(order[17..19].iter().filter(unknown).count(), 2);
}

#[test]
fn higher_tasks_of_which_nothing_is_known_pass_a_level_sixteen_times() {
    let mut bench = busy(workers(1, 1));
    for number in 100..150 {
        bench.submit(
            TaskSpec {
                function: FunctionKey(number),
                ..at(Level::High)
            },
            "unknown",
        );
    }
    // However short it is.
    bench.submit(SHORT, "short");
    let order = bench.run_in_order(1 + 17, |_| 50 * MS);
    assert_eq!(order[1..17], ["unknown"; 16]);
    assert_eq!(order[17], "short");
}

#[test]
fn what_a_level_has_saved_is_lost_when_it_is_served_for_want_of_others() {
    let mut bench = busy(workers(1, 1));
    for _ in 0..15 {
        bench.submit(at(Level::High), "high");
    }
    for _ in 0..3 {
        bench.submit(at(Level::Low), "low");
    }
    let order = bench.run_in_order(17, |_| 50 * MS);
    assert_eq!(order[16], "low");
    for _ in 0..15 {
        bench.submit(at(Level::High), "high again");
    }
    let order = bench.run_in_order(17, |_| 50 * MS);
    assert_eq!(order[0], "low", "it was dispatched before the others came");
    assert_eq!(order[1..16], ["high again"; 15]);
    assert_eq!(order[16], "low");
}

#[test]
fn what_waits_at_any_level_is_counted_cancelled_and_timed_out() {
    let mut bench = busy(Config {
        queue_capacity: 11,
        ..workers(1, 1)
    });
    bench.actions();
    let limited = |level| TaskSpec {
        queue_timeout: Some(3 * MS),
        ..at(level)
    };
    let mut cancelled = Vec::new();
    for level in Level::ALL {
        cancelled.push(bench.submit(at(level), "cancelled"));
        bench.submit(limited(level), "limited");
    }
    assert_eq!(bench.scheduler.counts().queued, 10);
    bench.submit(at(Level::Lowest), "the last one");
    assert!(!bench.scheduler.has_room());
    bench.refused(at(Level::Highest));
    for task in cancelled {
        bench.cancel(task);
    }
    assert_eq!(bench.actions(), ["cancelled: cancelled"; 5]);
    bench.next_deadline_after(3 * MS);
    assert_eq!(bench.actions(), ["limited: waited 3ms"; 5]);
    assert_eq!(bench.scheduler.counts().queued, 1);
    bench.terminate();
    assert!(
        bench
            .actions()
            .contains(&"the last one: terminated".to_owned())
    );
}

#[test]
fn what_comes_back_from_a_worker_is_first_in_its_level_and_not_before_higher_ones() {
    let mut bench = Bench::ready(workers(1, 1));
    let retried = TaskSpec {
        retries: 1,
        ..at(Level::Low)
    };
    let (task, worker) = bench.run(retried, "came back");
    bench.submit(at(Level::Low), "low");
    bench.submit(at(Level::High), "high");
    bench.exited(worker);
    bench.answer(task, false);
    assert_eq!(bench.actions(), ["spawn 2"]);
    // The pause before it runs again.
    bench.next_deadline();
    bench.make_ready(Bench::worker(2));
    let order = bench.run_in_order(3, |_| 50 * MS);
    assert_eq!(order, ["high", "came back", "low"]);
}

#[test]
fn a_start_that_fails_is_told_to_tasks_of_all_levels() {
    let mut bench = Bench::starting(workers(1, 1));
    bench.actions();
    for level in Level::ALL {
        bench.submit(at(level), "t");
    }
    bench.start_failed(Bench::worker(1));
    assert_eq!(bench.actions(), ["t: 1 failed to start"; 5]);
}
