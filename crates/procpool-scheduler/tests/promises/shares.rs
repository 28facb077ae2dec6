//! Who is served before whom, by whose task it is.

use procpool_scheduler::{Level, ShareKey, TaskSpec};

use crate::bench::{Bench, LONG, MS, workers};

fn of(share: u64) -> TaskSpec {
    TaskSpec {
        share: Some(ShareKey::from_hash(share)),
        ..LONG
    }
}

/// A pool whose only worker is at a task of nobody's.
fn busy() -> Bench {
    let mut bench = Bench::ready(workers(1, 1));
    bench.submit(LONG, "running");
    bench
}

fn submit(bench: &mut Bench, count: usize, spec: TaskSpec, name: &'static str) {
    for _ in 0..count {
        bench.submit(spec, name);
    }
}

fn count(names: &[&str], name: &str) -> usize {
    names.iter().filter(|other| **other == name).count()
}

#[test]
fn shares_whose_tasks_take_equally_long_take_turns() {
    let mut bench = busy();
    submit(&mut bench, 100, of(1), "a");
    submit(&mut bench, 5, of(2), "b");
    submit(&mut bench, 5, of(3), "c");
    let order = bench.run_in_order(1 + 15, |_| 50 * MS);
    for turns in order[1..].chunks(3) {
        for name in ["a", "b", "c"] {
            assert_eq!(count(turns, name), 1, "{order:?}");
        }
    }
    assert_eq!(bench.run_in_order(3, |_| 50 * MS), ["a"; 3]);
}

#[test]
fn shares_have_equal_times_though_one_has_longer_tasks_of_the_same_function() {
    let mut bench = busy();
    submit(&mut bench, 500, of(1), "heavy");
    submit(&mut bench, 500, of(2), "light");
    let order = bench.run_in_order(1 + 400, |name| match name {
        "heavy" => 100 * MS,
        _ => MS,
    });
    let (heavy, light) = (count(&order, "heavy"), count(&order, "light"));
    assert_eq!(heavy + light, 400);
    assert!((3..=5).contains(&heavy), "{heavy} heavy, {light} light");
}

#[test]
fn tasks_without_a_key_are_one_share() {
    let mut bench = busy();
    submit(&mut bench, 10, LONG, "nobody's");
    submit(&mut bench, 10, of(1), "a");
    let order = bench.run_in_order(1 + 10, |_| 50 * MS);
    assert_eq!(count(&order[1..], "nobody's"), 5, "{order:?}");
    assert_eq!(count(&order[1..], "a"), 5);
}

#[test]
fn using_an_idle_pool_is_not_held_against_a_share_later() {
    let mut bench = busy();
    submit(&mut bench, 100, of(1), "a");
    bench.run_in_order(1 + 50, |_| 50 * MS);
    submit(&mut bench, 50, of(2), "b");
    let order = bench.run_in_order(1 + 20, |_| 50 * MS);
    assert_eq!(count(&order[1..], "a"), 10, "{order:?}");
    assert_eq!(count(&order[1..], "b"), 10);
}

#[test]
fn a_new_share_is_next() {
    let mut bench = busy();
    submit(&mut bench, 100, of(1), "a");
    submit(&mut bench, 100, of(2), "b");
    bench.run_in_order(1 + 50, |_| 50 * MS);
    // One was dispatched when the last one ended.
    bench.submit(of(3), "new");
    assert_eq!(bench.run_in_order(2, |_| 50 * MS)[1], "new");
}

#[test]
fn a_share_that_has_one_task_at_a_time_pays_for_its_long_ones() {
    let mut bench = busy();
    submit(&mut bench, 500, of(2), "light");
    submit(&mut bench, 1, of(1), "heavy");
    let mut order = Vec::new();
    for _ in 0..300 {
        let (name, task, worker) = bench.next_dispatch();
        let ran = if name == "heavy" { 100 * MS } else { MS };
        bench.finish_after(worker, task, ran);
        if name == "heavy" {
            // Its user calls again as soon as it has the result.
            bench.submit(of(1), "heavy");
        }
        order.push(name);
    }
    assert!((2..=4).contains(&count(&order, "heavy")), "{order:?}");
}

#[test]
fn each_level_has_its_own_shares() {
    let mut bench = busy();
    let high = |spec| TaskSpec {
        level: Level::High,
        ..spec
    };
    submit(&mut bench, 5, of(1), "a");
    submit(&mut bench, 5, of(2), "b");
    submit(&mut bench, 4, high(of(1)), "a, high");
    submit(&mut bench, 2, high(of(2)), "b, high");
    let order = bench.run_in_order(1 + 10, |_| 50 * MS);
    assert_eq!(count(&order[1..5], "a, high"), 2, "{order:?}");
    assert_eq!(count(&order[1..5], "b, high"), 2);
    assert_eq!(order[5..7], ["a, high"; 2]);
    assert_eq!(count(&order[7..11], "a"), 2);
    assert_eq!(count(&order[7..11], "b"), 2);
}

#[test]
fn what_is_taken_back_is_first_in_its_share_and_was_free() {
    let mut bench = Bench::ready(workers(1, 1));
    let (running, worker) = bench.run(LONG, "running");
    submit(&mut bench, 3, of(1), "a");
    submit(&mut bench, 3, of(2), "b");
    bench.exited(worker);
    bench.answer(running, false);
    bench.actions();
    bench.make_ready(Bench::worker(2));
    let (name, first, worker) = bench.next_dispatch();
    assert_eq!(name, "a");
    bench.faulty(worker);
    bench.answer(first, true);
    bench.exited(worker);
    bench.actions();
    bench.make_ready(Bench::worker(3));
    let (_, task, worker) = bench.next_dispatch();
    assert_eq!(task, first);
    bench.finish_after(worker, task, 50 * MS);
    assert_eq!(bench.run_in_order(3, |_| 50 * MS), ["b", "a", "b"]);
}

#[test]
fn cancelled_tasks_leave_their_share() {
    let mut bench = busy();
    let tasks: Vec<_> = (0..100).map(|_| bench.submit(of(1), "a")).collect();
    submit(&mut bench, 2, of(2), "b");
    for &task in &tasks[..99] {
        bench.cancel(task);
    }
    assert_eq!(bench.scheduler.counts().queued, 3);
    bench.submit(of(3), "c");
    bench.cancel(tasks[99]);
    bench.actions();
    assert_eq!(bench.scheduler.counts().queued, 3);
}
