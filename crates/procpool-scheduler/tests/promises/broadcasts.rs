//! What every worker runs once.

use procpool_scheduler::Config;

use crate::bench::{Bench, LONG, MS, SHORT, workers};

#[test]
fn a_broadcast_is_done_when_every_ready_worker_has_run_it() {
    let mut bench = Bench::ready(workers(2, 2));
    bench.broadcast();
    assert_eq!(bench.actions(), ["broadcast 1 to 1", "broadcast 1 to 2"]);
    bench.broadcast_ended(2, true);
    assert_eq!(bench.actions(), [""; 0]);
    bench.broadcast_ended(1, true);
    assert_eq!(bench.actions(), ["broadcast 1 is spread"]);
    assert!(bench.has_no_deadline());
}

#[test]
fn until_it_has_run_a_broadcast_a_worker_takes_no_task() {
    let mut bench = Bench::ready(workers(2, 2));
    bench.broadcast();
    bench.actions();
    bench.submit(SHORT, "a");
    bench.submit(LONG, "b");
    assert_eq!(bench.actions(), [""; 0]);
    assert_eq!(bench.scheduler.counts().preparing, 2);
    bench.broadcast_ended(1, true);
    assert_eq!(bench.actions(), ["a to 1"], "not even ahead");
    bench.broadcast_ended(2, true);
    assert_eq!(bench.actions(), ["broadcast 1 is spread", "b to 2"]);
}

#[test]
fn a_busy_worker_runs_a_broadcast_after_what_it_has_and_takes_nothing_more_before() {
    let mut bench = Bench::ready(workers(1, 1));
    let (a, worker) = bench.run(SHORT, "a");
    bench.broadcast();
    bench.submit(SHORT, "b");
    assert_eq!(bench.actions(), ["broadcast 1 to 1"]);
    bench.finish(worker, a);
    assert_eq!(bench.actions(), [""; 0]);
    bench.broadcast_ended(1, true);
    assert_eq!(bench.actions(), ["broadcast 1 is spread", "b to 1"]);
}

#[test]
fn several_are_answered_in_the_order_in_which_they_were_given() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.broadcast();
    bench.broadcast();
    bench.actions();
    bench.submit(LONG, "a");
    bench.broadcast_ended(1, true);
    assert_eq!(bench.actions(), ["broadcast 1 is spread"]);
    bench.broadcast_ended(1, true);
    assert_eq!(bench.actions(), ["broadcast 2 is spread", "a to 1"]);
}

#[test]
fn a_worker_that_is_starting_runs_it_before_its_first_task() {
    let mut bench = Bench::starting(workers(1, 1));
    bench.submit(LONG, "a");
    bench.broadcast();
    assert_eq!(bench.actions(), ["spawn 1"]);
    bench.make_ready(Bench::worker(1));
    assert_eq!(bench.actions(), ["broadcast 1 to 1"]);
    bench.broadcast_ended(1, true);
    assert_eq!(bench.actions(), ["broadcast 1 is spread", "a to 1"]);
}

#[test]
fn a_broadcast_without_workers_is_done_at_once() {
    let mut bench = Bench::starting(workers(0, 1));
    bench.broadcast();
    assert_eq!(bench.actions(), ["broadcast 1 is spread"]);
}

#[test]
fn the_first_failure_is_told_and_the_worker_lives_on() {
    let mut bench = Bench::ready(workers(2, 2));
    bench.resize(3, 3);
    assert_eq!(bench.actions(), ["spawn 3"]);
    bench.broadcast();
    bench.actions();
    bench.broadcast_ended(1, false);
    assert_eq!(bench.actions(), ["broadcast 1: 1 refused"]);
    bench.broadcast_ended(2, true);
    bench.make_ready(Bench::worker(3));
    assert_eq!(bench.actions(), [""; 0], "who was not told yet never is");
    assert_eq!(bench.scheduler.counts().idle, 3);
}

#[test]
fn a_worker_that_dies_of_it_is_replaced_and_its_death_is_told() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.broadcast();
    bench.actions();
    bench.exited(Bench::worker(1));
    assert_eq!(bench.actions(), ["broadcast 1: 1 died", "spawn 2"]);
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn a_worker_that_dies_of_a_task_has_nothing_to_do_with_it() {
    let mut bench = Bench::ready(workers(1, 1));
    let (a, worker) = bench.run(LONG, "a");
    bench.broadcast();
    assert_eq!(bench.actions(), ["broadcast 1 to 1"]);
    bench.exited(worker);
    assert_eq!(bench.actions()[..1], ["broadcast 1 is spread"]);
    bench.cancel(a);
}

#[test]
fn a_worker_that_is_killed_for_a_task_has_nothing_to_do_with_it() {
    let mut bench = Bench::ready(workers(1, 1));
    let (a, worker) = bench.run(LONG, "a");
    bench.broadcast();
    bench.cancel(a);
    assert_eq!(bench.actions()[..1], ["broadcast 1 to 1"]);
    bench.scheduler.handle_revoked(bench.now(), a, false);
    assert_eq!(
        bench.actions(),
        ["kill 1", "broadcast 1 is spread", "a: cancelled", "spawn 2"]
    );
    // Its result was on the way, so that it had no task any more when it died.
    bench.finish(worker, a);
    bench.exited(worker);
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn a_worker_that_is_stuck_before_its_task_has_nothing_to_do_with_it() {
    let mut bench = Bench::ready(Config {
        untouched_timeout: Some(50 * MS),
        stop_timeout: 50 * MS,
        ..workers(1, 1)
    });
    let (a, worker) = bench.run(LONG, "a");
    bench.broadcast();
    assert_eq!(bench.actions(), ["broadcast 1 to 1"]);
    bench.next_deadline_after(50 * MS);
    bench.answer(a, true);
    assert_eq!(
        bench.actions(),
        ["kill 1", "broadcast 1 is spread", "spawn 2"],
        "gone first, so that all who are there have run it"
    );
    bench.exited(worker);
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn a_worker_that_breaks_the_protocol_in_it_fails_it() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.broadcast();
    bench.faulty(Bench::worker(1));
    assert_eq!(bench.actions(), ["broadcast 1 to 1", "kill 1", "spawn 2"]);
    bench.exited(Bench::worker(1));
    assert_eq!(bench.actions(), ["broadcast 1: 1 died"]);
}

#[test]
fn a_worker_that_does_not_start_has_nothing_to_do_with_it() {
    let mut bench = Bench::starting(workers(1, 1));
    bench.broadcast();
    bench.start_failed(Bench::worker(1));
    assert_eq!(bench.actions(), ["spawn 1", "broadcast 1 is spread"]);
}

#[test]
fn it_may_take_as_long_as_a_start_counted_from_when_it_is_its_turn() {
    let config = Config {
        startup_timeout: 50 * MS,
        ..workers(1, 1)
    };
    let mut bench = Bench::ready(config);
    let (a, worker) = bench.run(LONG, "a");
    bench.broadcast();
    bench.actions();
    assert!(bench.has_no_deadline(), "the task has all its time");
    bench.pass(90 * MS);
    bench.finish(worker, a);
    bench.submit(LONG, "b");
    bench.next_deadline_after(50 * MS);
    assert_eq!(
        bench.actions(),
        ["broadcast 1: 1 too slow", "kill 1", "spawn 2"]
    );
    bench.exited(worker);
    bench.make_ready(Bench::worker(2));
    assert_eq!(bench.actions(), ["b to 2"]);
}

#[test]
fn a_worker_that_stops_need_not_run_it() {
    let mut bench = Bench::ready(workers(2, 2));
    let (a, worker) = bench.run(LONG, "a");
    bench.needs_recycle(worker);
    assert_eq!(bench.actions(), ["spawn 3"]);
    bench.make_ready(Bench::worker(3));
    bench.broadcast();
    bench.actions();
    bench.broadcast_ended(1, true);
    bench.broadcast_ended(3, true);
    assert_eq!(bench.actions(), [""; 0]);
    bench.finish(worker, a);
    assert_eq!(
        bench.actions(),
        [format!("stop {worker}"), "broadcast 1 is spread".to_owned()]
    );
    bench.broadcast_ended(worker.as_u64(), true);
}

#[test]
fn an_answer_that_was_not_asked_for_is_a_fault() {
    let mut bench = Bench::ready(workers(1, 1));
    let now = std::time::Instant::now();
    assert!(
        !bench
            .scheduler
            .handle_broadcast_ended(now, Bench::worker(1), true)
    );
    assert!(
        !bench
            .scheduler
            .handle_broadcast_ended(now, Bench::worker(9), true)
    );
}

#[test]
fn a_closed_pool_fails_broadcasts() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.broadcast();
    bench.close();
    bench.broadcast();
    assert_eq!(
        bench.actions(),
        [
            "broadcast 1 to 1",
            "broadcast 1: closed",
            "stop 1",
            "broadcast 2: closed"
        ]
    );
}

#[test]
fn a_pool_is_warm_when_its_workers_have_run_it() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.broadcast();
    let warm_up = bench.warm_up();
    assert_eq!(bench.actions(), ["broadcast 1 to 1"]);
    bench.broadcast_ended(1, true);
    let warm = format!("{warm_up} is warm");
    assert_eq!(bench.actions(), ["broadcast 1 is spread", &warm]);
}
