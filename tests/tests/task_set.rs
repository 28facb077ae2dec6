//! Sets of tasks whose results are taken as the tasks finish.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt};
use procpool::{ProcessPool, Task, TaskSet, TaskState};
use procpool_tests::{Gate, Visitor, patiently, patiently_on, visit, visit_and_linger};

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .build()
        .expect("a pool")
}

/// Waits until a task has finished, without taking its result.
async fn finished<R>(task: &Task<R>) {
    patiently(async {
        while task.state() != TaskState::Finished {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A deadline that does not pass before the next line, even on a busy machine.
const SOON: Duration = Duration::from_secs(1);

fn never() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

#[procpool::test]
async fn results_come_with_their_keys_in_the_order_of_completion() {
    let gates = [Gate::open(), Gate::open(), Gate::open()];
    let pool = pool_of(3);
    let tasks = gates
        .iter()
        .map(|gate| pool.run_in_process(visit, gate.path()));
    let mut set: TaskSet<usize, u32> = tasks.enumerate().collect();
    assert_eq!((set.len(), set.is_empty()), (3, false));
    for key in [2, 0, 1] {
        let visitor = gates[key].visitor().await;
        let pid = visitor.pid;
        visitor.let_go().await;
        let (first, result) = patiently(set.join_next()).await.unwrap();
        assert_eq!((first, result.unwrap()), (key, pid));
    }
    assert!(set.is_empty());
    assert!(patiently(set.join_next()).await.is_none());
}

#[procpool::test]
async fn results_are_in_the_order_of_completion_even_if_the_set_was_not_polled() {
    let gates = [Gate::open(), Gate::open(), Gate::open()];
    let pool = pool_of(3);
    let mut set = TaskSet::new();
    let mut ends = Vec::new();
    for (key, gate) in gates.iter().enumerate() {
        let task = pool.run_in_process(visit, gate.path());
        ends.push(task.abort_handle());
        set.insert(key, task);
    }
    for key in [1, 2, 0] {
        gates[key].visitor().await.let_go().await;
        patiently(async {
            while !ends[key].is_finished() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    let keys: Vec<_> = patiently(set.map(|(key, _)| key).collect()).await;
    assert_eq!(keys, [1, 2, 0]);
}

#[procpool::test]
async fn tasks_that_finished_before_insertion_are_given_at_once() {
    let pool = pool_of(1);
    let (first, second) = (
        pool.run_in_process(|x: u8| x, 1),
        pool.run_in_process(|x: u8| x, 2),
    );
    finished(&second).await;
    pool.close();
    let refused = pool.run_in_process(|x: u8| x, 3);
    let mut set: TaskSet<_, _> = [("first", first), ("refused", refused)]
        .into_iter()
        .collect();
    set.extend([("second", second)]);
    let (key, result) = patiently(set.join_next()).await.unwrap();
    assert_eq!((key, result.unwrap()), ("first", 1));
    let (key, result) = patiently(set.join_next()).await.unwrap();
    assert_eq!(key, "refused");
    assert!(result.unwrap_err().is_pool_closed());
    let (key, result) = patiently(set.join_next()).await.unwrap();
    assert_eq!((key, result.unwrap()), ("second", 2));
}

#[procpool::test]
async fn an_empty_set_has_ended_and_goes_on_after_an_insertion() {
    let pool = pool_of(1);
    let mut set = TaskSet::default();
    assert!(patiently(set.next()).await.is_none());
    set.insert((), pool.run_in_process(|x: u8| x, 1));
    assert_eq!(Stream::size_hint(&set), (1, Some(1)));
    let ((), result) = patiently(set.next()).await.unwrap();
    assert_eq!(result.unwrap(), 1);
    assert!(patiently(set.next()).await.is_none());
}

#[procpool::test]
async fn keys_may_be_equal_and_places_are_reused() {
    let pool = pool_of(2);
    let mut set = TaskSet::new();
    let mut sum = 0;
    for round in 0..50_u64 {
        set.extend((0..4).map(|x| ("same", pool.run_in_process(|x: u64| x, round * 4 + x))));
        for _ in 0..3 {
            let ("same", result) = patiently(set.join_next()).await.unwrap() else {
                panic!("another key");
            };
            sum += result.unwrap();
        }
        assert_eq!(set.len() as u64, round + 1);
    }
    while let Some((_, result)) = patiently(set.join_next()).await {
        sum += result.unwrap();
    }
    assert_eq!(sum, (0..200).sum());
}

/// So many that a new worker is running before all of them are cancelled.
#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_set_cancels_running_and_queued_tasks() {
    let (gate, never) = (Gate::open(), Gate::open());
    let pool = pool_of(1);
    let mut set = TaskSet::new();
    set.insert(0, pool.run_in_process(visit_and_linger, gate.path()));
    for key in 1..5_000 {
        set.insert(key, pool.run_in_process(visit_and_linger, never.path()));
    }
    let visitor = gate.visitor().await;
    drop(set);
    visitor.watch().ended();
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
    assert!(!never.has_visitor());
}

#[procpool::test]
async fn an_aborted_set_gives_every_key_and_the_results_of_finished_tasks() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let mut set = TaskSet::new();
    let done = pool.run_in_process(|()| (), ());
    finished(&done).await;
    set.insert("done", done);
    set.insert(
        "running",
        pool.run_in_process(visit_and_linger, gate.path()),
    );
    set.insert("queued", pool.run_in_process(|()| (), ()));
    let visitor = gate.visitor().await;
    set.abort_all();
    visitor.watch().ended();
    let ends: Vec<_> = patiently(set.by_ref().collect()).await;
    let (key, result) = &ends[0];
    assert_eq!(*key, "done");
    assert!(result.is_ok());
    let aborted: HashSet<_> = ends[1..].iter().map(|(key, _)| *key).collect();
    assert_eq!(aborted, HashSet::from(["running", "queued"]));
    for (_, result) in &ends[1..] {
        assert!(result.as_ref().unwrap_err().is_cancelled());
    }
    set.insert("after", pool.run_in_process(|()| (), ()));
    let (_, result) = patiently(set.join_next()).await.unwrap();
    assert!(result.is_ok(), "a set may be used again");
}

#[procpool::test]
async fn detached_tasks_run_on_past_the_deadline_and_are_not_given_any_more() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let mut set = TaskSet::new();
    set.insert(1, pool.run_in_process(visit, gate.path()));
    let visitor = gate.visitor().await;
    let mut set = set.with_timeout(SOON);
    set.detach_all();
    assert!(set.is_empty());
    // A task of another set has the same deadline, so its end shows that the deadline has passed.
    let other = pool_of(1);
    let mut late = TaskSet::new().with_deadline(set.deadline().unwrap());
    late.insert(2, other.run_in_process(visit_and_linger, gate.path()));
    let (_, result) = patiently(late.join_next()).await.unwrap();
    assert!(result.unwrap_err().is_cancelled());
    let process = visitor.watch();
    assert!(process.is_alive());
    visitor.let_go().await;
    let id = patiently(pool.run_in_process(|()| procpool::worker::id(), ()))
        .await
        .unwrap();
    assert_eq!(id, Some(1), "its worker was not harmed");
    assert!(patiently(set.join_next()).await.is_none());
}

#[procpool::test]
async fn at_the_deadline_unfinished_tasks_are_killed_and_given_with_their_keys() {
    let (gate, never_run) = (Gate::open(), Gate::open());
    let pool = pool_of(1);
    let mut set = TaskSet::new();
    set.insert("quick", pool.run_in_process(|()| (), ()));
    set.insert(
        "running",
        pool.run_in_process(visit_and_linger, gate.path()),
    );
    set.insert(
        "queued",
        pool.run_in_process(visit_and_linger, never_run.path()),
    );
    let visitor = gate.visitor().await;
    let at = Instant::now() + Duration::from_millis(50);
    let mut set = set.with_deadline(at);
    assert_eq!(set.deadline(), Some(at));
    let (key, result) = patiently(set.join_next()).await.unwrap();
    assert_eq!(key, "quick");
    result.unwrap();
    for _ in 0..2 {
        let (key, result) = patiently(set.join_next()).await.unwrap();
        assert_ne!(key, "quick");
        assert!(result.unwrap_err().is_cancelled());
        assert!(Instant::now() >= at);
    }
    assert!(set.is_empty());
    visitor.watch().ended();
    // Also a task that is inserted later, and at once.
    set.insert(
        "late",
        pool.run_in_process(visit_and_linger, never_run.path()),
    );
    let (_, result) = patiently(set.join_next()).await.unwrap();
    assert!(result.unwrap_err().is_cancelled());
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_holds_even_if_the_set_is_not_polled() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let mut set = TaskSet::new();
    set.insert((), pool.run_in_process(visit_and_linger, gate.path()));
    let visitor = gate.visitor().await;
    let set = set.with_timeout(Duration::from_millis(50));
    visitor.gone().await;
    assert_eq!(set.len(), 1);
}

#[procpool::test]
async fn a_deadline_can_be_moved_and_may_exceed_the_clock() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let mut set = TaskSet::new();
    set.insert((), pool.run_in_process(visit, gate.path()));
    let first = Instant::now() + SOON;
    let mut set = set
        .with_deadline(first)
        .with_deadline(never())
        .with_timeout(Duration::MAX);
    assert_eq!(set.deadline(), None);
    // A task of another set has the first deadline, so its end shows that the deadline has passed.
    let mut other = TaskSet::new().with_deadline(first);
    let elsewhere = pool_of(1);
    let lingers = Gate::open();
    other.insert(
        (),
        elsewhere.run_in_process(visit_and_linger, lingers.path()),
    );
    let ((), result) = patiently(other.join_next()).await.unwrap();
    assert!(result.unwrap_err().is_cancelled());
    gate.visitor().await.let_go().await;
    let ((), result) = patiently(set.join_next()).await.unwrap();
    result.unwrap();
}

#[test]
fn a_deadline_is_in_real_time_even_if_tokios_clock_is_paused() {
    patiently_on(
        |builder| builder.enable_all().start_paused(true),
        || async {
            let pool = pool_of(1);
            let mut set = TaskSet::new().with_deadline(never());
            set.insert((), pool.run_in_process(|x: u8| x, 5));
            let ((), result) = set.join_next().await.unwrap();
            assert_eq!(result.unwrap(), 5);
        },
    );
}

#[procpool::test]
async fn a_dropped_wait_loses_nothing() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let mut set = TaskSet::new();
    set.insert("key", pool.run_in_process(visit, gate.path()));
    let visitor = gate.visitor().await;
    {
        let mut wait = std::pin::pin!(set.join_next());
        assert!(futures::poll!(&mut wait).is_pending());
    }
    visitor.let_go().await;
    assert_eq!(patiently(set.join_next()).await.unwrap().0, "key");
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_may_be_awaited_by_several_tasks_in_turn_and_without_a_runtime() {
    let gate = Gate::open();
    let pool = pool_of(2);
    let mut set = TaskSet::new();
    set.insert(1, pool.run_in_process(visit, gate.path()));
    let visitor = gate.visitor().await;
    // Its first poll has a waker that does nothing.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(set.poll_next_unpin(&mut context).is_pending());
    let wait = std::thread::spawn(move || {
        futures::executor::block_on(async {
            let first = set.join_next().await;
            (first, set.join_next().await)
        })
    });
    visitor.let_go().await;
    let joined = patiently(tokio::task::spawn_blocking(|| wait.join().unwrap()));
    let (first, end) = joined.await.unwrap();
    assert_eq!(first.unwrap().0, 1);
    assert!(end.is_none());
}

/// After the budget is spent, tokio's own primitives stay pending within one poll.
#[procpool::test]
async fn a_set_spends_no_cooperative_budget() {
    const MANY: u32 = 10_000;
    let pool = pool_of(2);
    let tasks: Vec<_> = (0..MANY)
        .map(|x| (x, pool.run_in_process(|x: u32| x, x)))
        .collect();
    for (_, task) in &tasks {
        finished(task).await;
    }
    let mut set: TaskSet<_, _> = tasks.into_iter().collect();
    // All in one poll of this task: there is no other `await`.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for x in 0..MANY {
        match set.poll_next_unpin(&mut context) {
            std::task::Poll::Ready(Some((key, result))) => {
                assert_eq!((key, result.unwrap()), (x, x));
            }
            other => panic!("after {x}: {other:?}"),
        }
    }
    assert!(tokio::task::coop::has_budget_remaining());
}

/// A set that polls all of its tasks whenever one finishes would take minutes.
#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_may_hold_a_hundred_thousand_tasks() {
    let pool = pool_of(2);
    let mut set: TaskSet<u32, u32> = (0..100_000)
        .map(|x| (x, pool.run_in_process(|x: u32| x, x)))
        .collect();
    let mut seen = 0;
    patiently(async {
        while let Some((key, result)) = set.join_next().await {
            assert_eq!(key, result.unwrap());
            seen += 1;
        }
    })
    .await;
    assert_eq!(seen, 100_000);
}

#[procpool::test]
async fn tasks_of_many_pools_may_be_in_one_set_and_a_pool_may_end() {
    let gate = Gate::open();
    let (here, there) = (pool_of(1), pool_of(1));
    let mut set = TaskSet::new().with_deadline(never());
    set.insert("here", here.run_in_process(visit, gate.path()));
    set.insert("there", there.run_in_process(visit, gate.path()));
    let visitors = [gate.visitor().await, gate.visitor().await];
    patiently(there.terminate()).await;
    let (key, result) = patiently(set.join_next()).await.unwrap();
    assert_eq!(key, "there");
    assert!(result.unwrap_err().is_pool_closed());
    let processes = visitors.each_ref().map(Visitor::watch);
    drop((set, here));
    for process in processes {
        process.ended();
    }
}

#[test]
fn a_set_is_send_sync_and_unpin_and_can_be_printed() {
    fn is<T: Send + Sync + Unpin + std::fmt::Debug>(value: T) -> T {
        value
    }
    let set = is(TaskSet::<std::marker::PhantomPinned, std::rc::Rc<()>>::new());
    assert_eq!(format!("{set:?}"), "TaskSet { len: 0, deadline: None, .. }");
}
