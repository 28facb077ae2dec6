//! Who is given to the worker that knows it.

use procpool_scheduler::{AffinityKey, TaskSpec, WorkerId};

use crate::bench::{Bench, LONG, MS, SHORT, US, workers};

const fn to(key: u64, spec: TaskSpec) -> TaskSpec {
    TaskSpec {
        affinity: Some(AffinityKey::from_hash(key)),
        ..spec
    }
}

/// Three idle workers: the first has the key, the last one was at work last.
fn warm(spec: TaskSpec) -> (Bench, WorkerId) {
    let mut bench = Bench::ready(workers(3, 3));
    let (warm, home) = bench.run(to(1, spec), "warms it");
    let others = [bench.run(LONG, "b"), bench.run(LONG, "c")];
    bench.finish(home, warm);
    for (task, worker) in others {
        bench.finish(worker, task);
    }
    (bench, home)
}

#[test]
fn a_task_goes_to_the_idle_worker_that_had_its_key_last() {
    let (mut bench, home) = warm(LONG);
    let (task, worker) = bench.run(to(1, LONG), "again");
    assert_eq!(worker, home);
    bench.finish(worker, task);
    let (_, other) = bench.run(LONG, "no key");
    assert_eq!(other, home, "it was at work last");
    let (task, elsewhere) = bench.run(to(1, LONG), "again");
    assert_ne!(elsewhere, home, "that is busy, and others are not");
    bench.finish(elsewhere, task);
    let (_, worker) = bench.run(to(1, LONG), "again");
    assert_eq!(worker, elsewhere, "the last one that had it");
}

#[test]
fn keys_have_workers_of_their_own() {
    let mut bench = Bench::ready(workers(3, 3));
    let homes = [1, 2, 3].map(|key| (key, bench.run(to(key, LONG), "warms it")));
    for (_, (task, worker)) in homes {
        bench.finish(worker, task);
    }
    for (key, (_, home)) in homes {
        assert_eq!(bench.run(to(key, LONG), "again").1, home);
    }
}

#[test]
fn a_short_task_waits_for_its_worker_if_that_is_soon_done() {
    let (mut bench, home) = warm(SHORT);
    let (head, worker) = bench.run(to(1, SHORT), "head");
    assert_eq!(worker, home);
    let (_, worker) = bench.run(to(1, SHORT), "behind it");
    assert_eq!(worker, home);
    assert_eq!(bench.actions(), [""; 0], "it is left there");
    bench.pass(5 * US);
    bench.finish(home, head);
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn no_task_waits_for_the_late_worker_of_its_affinity_while_another_is_idle() {
    let (mut bench, home) = warm(SHORT);
    bench.run(to(1, SHORT), "late");
    let (task, worker) = bench.run(to(1, SHORT), "behind it");
    assert_eq!(worker, home);
    bench.next_deadline();
    assert!(bench.elapsed() < MS);
    bench.answer(task, true);
    let (name, _, worker) = bench.next_dispatch();
    assert_eq!(name, "behind it");
    assert_ne!(worker, home);
    let elsewhere = bench.run(to(1, SHORT), "another").1;
    assert_eq!(elsewhere, worker, "the key has moved");
}

#[test]
fn a_long_task_does_not_wait_for_its_worker() {
    let (mut bench, home) = warm(LONG);
    bench.run(to(1, LONG), "there");
    assert_ne!(bench.run(to(1, LONG), "elsewhere").1, home);
}

#[test]
fn a_task_whose_affinity_has_lost_its_worker_goes_to_any() {
    let (mut bench, home) = warm(LONG);
    bench.exited(home);
    bench.actions();
    let (_, worker) = bench.run(to(1, LONG), "elsewhere");
    assert_ne!(worker, home);
}

#[test]
fn a_worker_that_took_the_place_of_another_does_not_have_its_keys() {
    let (mut bench, home) = warm(LONG);
    bench.exited(home);
    assert_eq!(bench.actions(), ["spawn 4"]);
    let (task, other) = bench.run(LONG, "another is warmest");
    bench.make_ready(Bench::worker(4));
    bench.finish(other, task);
    assert_eq!(bench.run(to(1, LONG), "elsewhere").1, other);
}
