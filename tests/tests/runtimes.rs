//! The runtimes, threads and processes on which a pool works.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::hint;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use procpool::{BuildError, ProcessPool, Task};
use procpool_tests::{Gate, Watched, alone, patiently, visit, visit_and_linger};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

fn pool() -> ProcessPool {
    ProcessPool::builder().workers(1).build().unwrap()
}

fn double(x: u64) -> u64 {
    x * 2
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

#[procpool::test(flavor = "current_thread")]
async fn a_pool_works_on_a_single_threaded_runtime() {
    assert_eq!(
        patiently(pool().run_in_process(double, 21)).await.unwrap(),
        42
    );
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_works_on_a_multi_threaded_runtime() {
    let pool = pool();
    let here = pool.run_in_process(double, 21);
    let there = tokio::spawn({
        let pool = pool.clone();
        async move { pool.run_in_process(double, 4).await }
    });
    assert_eq!(patiently(here).await.unwrap(), 42);
    assert_eq!(patiently(there).await.unwrap().unwrap(), 8);
}

#[test]
fn a_pool_needs_a_runtime_with_io_but_not_with_time() {
    procpool::init();
    assert!(matches!(ProcessPool::new(), Err(BuildError::Runtime(_))));
    let bare = Builder::new_current_thread().build().unwrap();
    bare.block_on(async {
        assert!(matches!(ProcessPool::new(), Err(BuildError::Runtime(_))));
    });
    let io = Builder::new_current_thread().enable_io().build().unwrap();
    io.block_on(async {
        let hasty = pool().with_timeout(std::time::Duration::from_millis(20));
        let endless = hasty.run_in_process(|()| loop_for_ever(), ());
        assert!(endless.await.unwrap_err().is_timed_out());
        assert_eq!(
            hasty
                .with(Default::default())
                .run_in_process(double, 21)
                .await
                .unwrap(),
            42
        );
    });
}

fn loop_for_ever() {
    loop {
        std::hint::spin_loop();
    }
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_can_be_awaited_on_another_runtime_and_without_one() {
    let pool = pool();
    let (here, there, nowhere) = (
        pool.run_in_process(double, 1),
        pool.run_in_process(double, 2),
        pool.run_in_process(double, 3),
    );
    let there = thread::spawn(|| current_thread().block_on(patiently(there)));
    let nowhere = thread::spawn(|| futures::executor::block_on(nowhere));
    let joined = patiently(tokio::task::spawn_blocking(|| {
        (there.join().unwrap(), nowhere.join().unwrap())
    }));
    let (there, nowhere) = joined.await.unwrap();
    assert_eq!(patiently(here).await.unwrap(), 2);
    assert_eq!(there.unwrap(), 4);
    assert_eq!(nowhere.unwrap(), 6);
}

#[test]
fn a_pool_is_used_from_another_runtime_until_its_own_stops() {
    procpool::init();
    for (own, other) in [
        (multi_thread(), current_thread()),
        (multi_thread(), multi_thread()),
    ] {
        let pool = own.block_on(async {
            let builder = ProcessPool::builder().workers(1).queue_capacity(0);
            builder.build().unwrap()
        });
        other.block_on(async {
            patiently(pool.warm_up()).await.unwrap();
            let task = pool.run_in_process(double, 21);
            assert_eq!(patiently(task).await.unwrap(), 42);
            let permit = patiently(pool.reserve()).await.unwrap();
            let task = permit.run_in_process(double, 21);
            assert_eq!(patiently(task).await.unwrap(), 42);
            let gate = Gate::open();
            let running = pool.run_in_process(visit_and_linger, gate.path());
            let visitor = gate.visitor().await;
            let mut waiting = Box::pin(pool.reserve());
            assert!(futures::poll!(&mut waiting).is_pending());
            own.shutdown_background();
            assert!(patiently(running).await.unwrap_err().is_pool_closed());
            assert!(patiently(waiting).await.is_err());
            visitor.gone().await;
            let late = pool.run_in_process(double, 21);
            assert!(patiently(late).await.unwrap_err().is_pool_closed());
            let refused = pool.try_run_in_process(double, 21).unwrap_err();
            assert!(refused.is_pool_closed());
            assert!(patiently(pool.reserve()).await.is_err());
            let warm = patiently(pool.warm_up()).await;
            assert!(warm.unwrap_err().is_pool_closed());
        });
    }
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn handles_are_shared_by_threads_without_a_runtime() {
    let pool = pool();
    let threads: Vec<_> = (0..8_u64)
        .map(|thread| {
            let pool = pool.clone();
            thread::spawn(move || {
                (0..100).all(|x| {
                    let task = pool.run_in_process(|(a, b): (u64, u64)| a + b, (thread, x));
                    futures::executor::block_on(task).unwrap() == thread + x
                })
            })
        })
        .collect();
    let join = tokio::task::spawn_blocking(|| threads.into_iter().all(|t| t.join().unwrap()));
    assert!(patiently(join).await.unwrap());
}

/// A call made while another thread holds the pool's lock is enqueued there.
#[procpool::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_is_lost_between_threads() {
    let pool = ProcessPool::builder().workers(2).build().unwrap();
    let caller = |first: u64| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let calls = (first..first + 10_000).map(|number| {
                let task = pool.run_in_process(double, number);
                if number % 10 == 0 {
                    task.abort();
                }
                (number, task)
            });
            for (number, task) in calls.collect::<Vec<_>>() {
                match task.await {
                    Ok(result) => assert_eq!(result, 2 * number),
                    Err(error) => assert!(error.is_cancelled() && number % 10 == 0, "{error}"),
                }
            }
        })
    };
    for caller in [0, 100_000, 200_000, 300_000].map(caller) {
        patiently(caller).await.unwrap();
    }
}

/// No other event would make the pool notice an enqueued call.
#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_left_at_the_lock_is_seen_to() {
    const ROUNDS: u64 = 5000;
    let pool = pool();
    let round = Arc::new(AtomicU64::new(0));
    let other = thread::spawn({
        let (pool, round) = (pool.clone(), Arc::clone(&round));
        move || {
            for number in 1..=ROUNDS {
                while round.load(Ordering::Relaxed) < number {
                    hint::spin_loop();
                }
                // For about as long as a call takes.
                for _ in 0..number % 50 {
                    let _ = pool.size();
                }
            }
        }
    });
    let calls = async {
        for number in 1..=ROUNDS {
            round.store(number, Ordering::Relaxed);
            let task = pool.run_in_process(double, number);
            assert_eq!(task.await.unwrap(), 2 * number);
        }
    };
    // This takes less than one second; an unnoticed call would take five seconds each time.
    tokio::time::timeout(Duration::from_secs(20), calls)
        .await
        .unwrap();
    other.join().unwrap();
}

/// A refusal does not depend on how busy the pool's lock is.
#[procpool::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_limited_queue_refuses_a_call_at_once() {
    let pool = ProcessPool::builder().workers(1).queue_capacity(0);
    let pool = pool.build().unwrap();
    let gate = Gate::open();
    let running = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let _ = pool.size();
                }
            });
        }
        let refused = (0..10_000).all(|_| pool.run_in_process(double, 1).is_finished());
        stop.store(true, Ordering::Relaxed);
        assert!(refused);
    });
    visitor.let_go().await;
    patiently(running).await.unwrap();
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn handles_and_tasks_may_be_dropped_anywhere() {
    let gate = Gate::open();
    let pool = pool();
    let task = pool.run_in_process(visit_and_linger, gate.path());
    let visitor = gate.visitor().await;
    let worker = visitor.watch();
    // In a thread outside any runtime.
    thread::spawn(move || drop((task, pool))).join().unwrap();
    worker.ended();

    // Also in a task of the runtime, which is itself dropped with everything that it holds.
    let pool = self::pool();
    let holder = tokio::spawn({
        let gate = gate.path();
        async move { pool.run_in_process(visit_and_linger, gate).await }
    });
    let worker = gate.visitor().await.watch();
    holder.abort();
    assert!(patiently(holder).await.unwrap_err().is_cancelled());
    patiently(tokio::task::spawn_blocking(move || worker.ended()))
        .await
        .unwrap();
}

#[procpool::test]
async fn a_pool_may_be_dropped_while_its_task_is_awaited() {
    let gate = Gate::open();
    let pool = pool();
    let task = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let (result, ()) = tokio::join!(patiently(task), async {
        drop(pool);
        visitor.let_go().await;
    });
    result.unwrap();
}

#[test]
fn the_default_pool_works_on_one_runtime_after_the_other() {
    alone(|| {
        procpool::init();
        for runtime in [current_thread, multi_thread, current_thread] {
            let end = runtime().block_on(patiently_double(21));
            assert_eq!(end, 42);
        }
    });
}

async fn patiently_double(x: u64) -> u64 {
    patiently(procpool::run_in_process(double, x))
        .await
        .unwrap()
}

#[test]
fn the_end_of_one_runtime_does_not_close_the_default_pool_of_another() {
    alone(|| {
        procpool::init();
        let (first, second) = (multi_thread(), multi_thread());
        assert_eq!(first.block_on(patiently_double(21)), 42);
        let (task, visitor) = second.block_on(async {
            let gate = Gate::open();
            let task = procpool::run_in_process(visit, gate.path());
            (task, gate.visitor().await)
        });
        drop(first);
        second.block_on(async {
            let pid = visitor.pid;
            visitor.let_go().await;
            assert_eq!(patiently(task).await.unwrap(), pid);
        });
    });
}

#[test]
fn the_default_pool_does_not_wait_for_another_runtime_to_be_driven() {
    alone(|| {
        procpool::init();
        let (first, second) = (current_thread(), current_thread());
        assert_eq!(first.block_on(patiently_double(21)), 42);
        // Nothing runs on the first one now.
        assert_eq!(second.block_on(patiently_double(4)), 8);
    });
}

#[procpool::test]
async fn the_default_pool_serves_threads_without_a_runtime() {
    assert_eq!(patiently_double(21).await, 42);
    let task = thread::spawn(|| procpool::run_in_process(double, 4));
    assert_eq!(patiently(task.join().unwrap()).await.unwrap(), 8);
}

/// Builds a pool in the worker.
fn double_in_a_pool_of_its_own(x: u64) -> (u64, u64) {
    assert!(procpool::worker::is_worker());
    current_thread().block_on(async {
        let pool = pool();
        let worker = pool.run_in_process(|()| procpool::worker::id(), ());
        (
            pool.run_in_process(double, x).await.unwrap(),
            worker.await.unwrap().unwrap(),
        )
    })
}

#[procpool::test]
async fn a_function_may_have_a_pool_of_its_own() {
    let pool = pool();
    for x in 0..3 {
        let task = pool.run_in_process(double_in_a_pool_of_its_own, x);
        assert_eq!(patiently(task).await.unwrap(), (x * 2, 1));
    }
}

/// Waits at the gate through this many levels of workers of workers.
fn nest((depth, gate): (u32, PathBuf)) {
    match depth {
        0 => visit_and_linger(gate),
        _ => current_thread().block_on(async {
            pool()
                .run_in_process(nest, (depth - 1, gate))
                .await
                .unwrap();
        }),
    }
}

#[procpool::test]
async fn the_workers_of_a_worker_die_with_it() {
    for depth in [1, 3] {
        let gate = Gate::open();
        let pool = pool();
        let pid = pool.run_in_process(|()| std::process::id(), ());
        let outer = Watched::new(patiently(pid).await.unwrap());
        let task = pool.run_in_process(nest, (depth, gate.path()));
        let visitor = gate.visitor().await;
        let inner = visitor.watch();
        assert!(inner.is_alive() && outer.is_alive());
        drop(task);
        outer.ended();
        inner.ended();
    }
}

/// A result that can't leave the thread in which it was decoded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[derive(Clone)]
struct Shared(Rc<str>);

impl From<String> for Shared {
    fn from(text: String) -> Self {
        Shared(text.into())
    }
}

impl From<Shared> for String {
    fn from(shared: Shared) -> Self {
        shared.0.as_ref().to_owned()
    }
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_send_whatever_its_result_is() {
    fn share(text: String) -> Shared {
        text.into()
    }
    fn is_send_and_unpin<T: Send + Sync + Unpin>(value: T) -> T {
        value
    }
    let pool = pool();
    let task: Task<Shared> = is_send_and_unpin(pool.run_in_process(share, "text".to_owned()));
    let length = tokio::spawn(async move { task.await.map(|shared| shared.0.len()) });
    assert_eq!(patiently(length).await.unwrap().unwrap(), 4);
}
