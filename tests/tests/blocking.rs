//! Worker processes for programs without a runtime.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::future::{Future, IntoFuture};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use procpool::blocking::{ProcessPool, Task};
use procpool::{BuildError, Priority, TaskError, TaskOptions, TaskState};
use procpool_tests::{
    Gate, Log, Traces, alone, children, note, patiently, visit, visit_and_linger,
};
use tokio::runtime::{Builder, Runtime};

// The workers of these tests are this executable, and none of them is a `#[procpool::test]`.
procpool_os::before_main!(procpool::init);

/// Far longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn pool_of(workers: usize) -> ProcessPool {
    let builder = ProcessPool::builder().workers(workers);
    builder.build_blocking().unwrap()
}

fn double(x: u64) -> u64 {
    x * 2
}

/// Awaits a future that must become ready.
fn end_of<R>(task: Task<R>) -> Result<R, TaskError> {
    let waited = task.wait_timeout(PATIENCE);
    waited.unwrap_or_else(|task| panic!("waited for {PATIENCE:?} in vain: {task:?}"))
}

/// Runs a function that must return in another thread.
fn in_time<T: Send + 'static>(blocking: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        // If the receiver is gone, the test has already failed.
        let _ = sender.send(blocking());
    });
    match receiver.recv_timeout(PATIENCE) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("waited for {PATIENCE:?} in vain"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().unwrap_err())
        }
        Ok(end) => end,
    }
}

/// A gate, and the runtime on which it is polled, which the pool does not use.
fn gate() -> (Runtime, Gate) {
    let runtime = current_thread();
    let gate = {
        let _entered = runtime.enter();
        Gate::open()
    };
    (runtime, gate)
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// Returns the resources before the test, including those that tokio keeps after its first runtime.
fn traces() -> Traces {
    drop(current_thread());
    Traces::now()
}

#[test]
fn calls_from_many_threads_give_their_results() {
    let pool = pool_of(2);
    let threads: Vec<_> = (0..8_u64)
        .map(|thread| {
            let pool = pool.clone();
            thread::spawn(move || {
                let tasks: Vec<_> = (0..50)
                    .map(|x| pool.run_in_process(|(a, b): (u64, u64)| a + b, (thread, x)))
                    .collect();
                let mut tasks = tasks.into_iter().zip(0..);
                tasks.all(|(task, x)| end_of(task).unwrap() == thread + x)
            })
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
}

#[test]
fn a_task_that_is_not_finished_in_time_is_returned_and_runs_on() {
    let (runtime, gate) = gate();
    let pool = pool_of(1);
    let task = pool.run_in_process(visit, gate.path());
    let visitor = runtime.block_on(gate.visitor());
    let task = task.wait_timeout(Duration::ZERO).unwrap_err();
    let task = task.wait_timeout(Duration::from_millis(5)).unwrap_err();
    assert!(!task.is_finished());
    assert_eq!(task.state(), TaskState::Running);
    let pid = visitor.pid;
    runtime.block_on(visitor.let_go());
    assert_eq!(end_of(task).unwrap(), pid);
}

#[test]
fn a_handle_has_its_own_priority() {
    let (runtime, gate) = gate();
    let log = Log::open();
    let leave = |(log, line): (PathBuf, String)| note(&log, &line);
    let pool = pool_of(1);
    let running = pool.run_in_process(visit, gate.path());
    let visitor = runtime.block_on(gate.visitor());
    let normal = pool.run_in_process(leave, (log.path(), "normal".to_owned()));
    let high = pool.with(TaskOptions::new().priority(Priority::High));
    let high = high.run_in_process(leave, (log.path(), "high".to_owned()));
    runtime.block_on(visitor.let_go());
    for end in [end_of(normal), end_of(high), end_of(running).map(|_| ())] {
        end.unwrap();
    }
    assert_eq!(log.lines(), ["high", "normal"]);
}

#[test]
fn waiting_for_a_finished_task_does_not_block() {
    let pool = pool_of(1);
    let task = pool.run_in_process(double, 21);
    pool.shutdown();
    assert!(task.is_finished());
    assert_eq!(task.wait_timeout(Duration::ZERO).unwrap().unwrap(), 42);
}

#[test]
fn dropping_a_task_cancels_it() {
    let (runtime, gate) = gate();
    let pool = pool_of(1);
    let running = pool.run_in_process(visit_and_linger, gate.path());
    let visitor = runtime.block_on(gate.visitor());
    let queued = pool.run_in_process(visit_and_linger, gate.path());
    drop(queued);
    drop(running);
    runtime.block_on(visitor.gone());
    assert_eq!(end_of(pool.run_in_process(double, 21)).unwrap(), 42);
    assert!(!gate.has_visitor());
}

#[test]
fn a_task_is_aborted_while_a_thread_waits_for_it() {
    let (runtime, gate) = gate();
    let pool = pool_of(1);
    let task = pool.run_in_process(visit_and_linger, gate.path());
    let handle = task.abort_handle();
    let waiting = thread::spawn(|| end_of(task));
    let visitor = runtime.block_on(gate.visitor());
    handle.abort();
    assert!(waiting.join().unwrap().unwrap_err().is_cancelled());
    runtime.block_on(visitor.gone());
    assert!(handle.is_finished());
}

#[test]
fn a_shutdown_waits_for_detached_tasks() {
    let (runtime, gate) = gate();
    let pool = pool_of(1);
    pool.run_in_process(visit, gate.path()).detach();
    let visitor = runtime.block_on(gate.visitor());
    let worker = visitor.watch();
    let shutdown = {
        let pool = pool.clone();
        thread::spawn(move || pool.shutdown())
    };
    while !pool.is_closed() {
        thread::yield_now();
    }
    assert!(worker.is_alive() && !shutdown.is_finished());
    runtime.block_on(visitor.let_go());
    in_time(|| shutdown.join()).unwrap();
    worker.ended();
    let refused = end_of(pool.run_in_process(double, 21));
    assert!(refused.unwrap_err().is_pool_closed());
}

#[test]
fn a_shutdown_kills_after_its_grace_and_reports_it() {
    let (runtime, gate) = gate();
    let pool = pool_of(1);
    let task = pool.run_in_process(visit_and_linger, gate.path());
    let visitor = runtime.block_on(gate.visitor());
    let report = {
        let pool = pool.clone();
        in_time(move || pool.shutdown_timeout(Duration::from_millis(1)))
    };
    assert_eq!((report.abandoned_tasks(), report.killed_workers()), (1, 1));
    assert!(end_of(task).unwrap_err().is_pool_closed());
    runtime.block_on(visitor.gone());
    // There is nothing left to stop.
    let report = in_time(move || pool.terminate());
    assert!(report.is_clean());
}

#[test]
fn a_shutdown_with_a_grace_returns_as_soon_as_all_tasks_are_finished() {
    let pool = pool_of(2);
    let tasks: Vec<_> = (0..20).map(|x| pool.run_in_process(double, x)).collect();
    // The test would not wait that long.
    let report = in_time(move || pool.shutdown_timeout(Duration::MAX));
    assert!(report.is_clean());
    assert!(tasks.into_iter().all(|task| end_of(task).is_ok()));
}

#[test]
fn a_termination_ends_running_tasks() {
    let (runtime, gate) = gate();
    let pool = pool_of(1);
    let task = pool.run_in_process(visit_and_linger, gate.path());
    let visitor = runtime.block_on(gate.visitor());
    let waiting = thread::spawn(|| end_of(task));
    let report = in_time(move || pool.terminate());
    assert_eq!(report.abandoned_tasks(), 1);
    assert!(waiting.join().unwrap().unwrap_err().is_pool_closed());
    runtime.block_on(visitor.gone());
}

#[test]
fn a_full_pool_returns_arguments_or_blocks_threads() {
    let (runtime, gate) = gate();
    let builder = ProcessPool::builder().workers(1).queue_capacity(0);
    let pool = builder.build_blocking().unwrap();
    let running = pool.run_in_process(visit, gate.path());
    let visitor = runtime.block_on(gate.visitor());
    let rejected = pool.try_run_in_process(double, 7).unwrap_err();
    assert!(rejected.is_queue_full());
    assert_eq!(rejected.into_args(), 7);
    assert!(pool.reserve_timeout(Duration::ZERO).unwrap().is_none());
    let in_vain = pool.reserve_timeout(Duration::from_millis(5)).unwrap();
    assert!(in_vain.is_none());
    let reserving = {
        let pool = pool.clone();
        thread::spawn(move || end_of(pool.reserve().unwrap().run_in_process(double, 21)))
    };
    runtime.block_on(visitor.let_go());
    assert_eq!(in_time(|| reserving.join().unwrap()).unwrap(), 42);
    end_of(running).unwrap();
    let permit = pool.reserve_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!(end_of(permit.run_in_process(double, 4)).unwrap(), 8);
}

#[test]
fn closing_the_pool_fails_a_thread_that_waits_for_room() {
    let (runtime, gate) = gate();
    let builder = ProcessPool::builder().workers(1).queue_capacity(0);
    let pool = builder.build_blocking().unwrap();
    let _running = pool.run_in_process(visit, gate.path());
    let _visitor = runtime.block_on(gate.visitor());
    let reserving = {
        let pool = pool.clone();
        thread::spawn(move || pool.reserve().map(drop))
    };
    pool.close();
    in_time(|| reserving.join().unwrap()).unwrap_err();
    assert!(
        pool.try_run_in_process(double, 7)
            .unwrap_err()
            .is_pool_closed()
    );
    assert!(pool.warm_up().unwrap_err().is_pool_closed());
    assert!(pool.resize(2).is_err());
}

#[test]
fn workers_have_a_state_and_tasks_have_options() {
    let (runtime, gate) = gate();
    let builder = ProcessPool::builder().workers(1);
    let builder = builder.initializer(|first: u64| first, 10);
    let pool = builder.build_blocking().unwrap();
    let add = |sum: &mut u64, x: u64| {
        *sum += x;
        *sum
    };
    assert_eq!(end_of(pool.run_with_state(add, 1)).unwrap(), 11);
    let task = pool.try_run_with_state(add, 1).unwrap();
    assert_eq!(end_of(task).unwrap(), 12);
    let permit = pool.reserve().unwrap();
    assert_eq!(end_of(permit.run_with_state(add, 1)).unwrap(), 13);
    for hasty in [
        pool.with_timeout(Duration::from_millis(20)),
        pool.with(TaskOptions::new().timeout(Duration::from_millis(20))),
    ] {
        let error = end_of(hasty.run_in_process(visit_and_linger, gate.path()));
        assert!(error.unwrap_err().is_timed_out());
    }
    drop(runtime);
}

#[test]
fn a_pool_is_warmed_up_and_resized() {
    alone(|| {
        let pool = pool_of(2);
        pool.warm_up().unwrap();
        assert_eq!(children().len(), 2);
        pool.resize(3).unwrap();
        pool.warm_up().unwrap();
        assert_eq!(pool.size(), 3.into());
        assert_eq!(children().len(), 3);
    });
}

#[test]
fn a_broadcast_is_waited_for() {
    static QUALITY: AtomicU32 = AtomicU32::new(0);
    let pool = pool_of(1);
    let set = |quality: u32| QUALITY.store(quality, Ordering::Relaxed);
    pool.broadcast(set, 95).unwrap();
    let task = pool.run_in_process(|()| QUALITY.load(Ordering::Relaxed), ());
    assert_eq!(end_of(task).unwrap(), 95);
    let failed = pool.try_broadcast(|()| Err("not today"), ());
    assert!(failed.unwrap_err().is_worker_start());
    pool.close();
    assert!(pool.broadcast(set, 5).unwrap_err().is_pool_closed());
}

#[test]
fn errors_are_those_of_any_pool() {
    let pool = pool_of(1);
    let panicked = pool.run_in_process(|text: String| -> u32 { panic!("{text}") }, "oh".into());
    assert!(end_of(panicked).unwrap_err().is_panicked());
    let exited = pool.run_in_process(|()| -> u32 { std::process::exit(3) }, ());
    match end_of(exited).unwrap_err() {
        TaskError::WorkerExited(exit) => assert_eq!(exit.code(), Some(3)),
        other => panic!("{other:?}"),
    }
    assert_eq!(end_of(pool.run_in_process(double, 21)).unwrap(), 42);
}

#[test]
fn an_impossible_option_is_refused_and_leaves_nothing() {
    alone(|| {
        let before = traces();
        let refused = ProcessPool::builder().workers(0).build_blocking();
        assert!(matches!(refused, Err(BuildError::Workers { .. })));
        before.are_back_blocking();
    });
}

#[test]
fn after_a_shutdown_nothing_is_left() {
    alone(|| {
        let before = traces();
        for stop in [
            |pool: &ProcessPool| pool.shutdown(),
            |pool: &ProcessPool| assert!(pool.shutdown_timeout(PATIENCE).is_clean()),
            |pool: &ProcessPool| assert_eq!(pool.terminate().abandoned_tasks(), 0),
        ] {
            let pool = pool_of(3);
            assert_eq!(end_of(pool.run_in_process(double, 21)).unwrap(), 42);
            stop(&pool);
            assert_eq!(children(), before.children);
            // It may be woken by anything, any number of times.
            pool.clone().shutdown();
            drop(pool);
            before.are_back_blocking();
        }
    });
}

#[test]
fn after_the_last_handle_or_task_nothing_is_left() {
    alone(|| {
        let before = traces();
        for _ in 0..5 {
            drop(pool_of(2));
        }
        let pool = pool_of(2);
        let other_handle = pool.with_timeout(PATIENCE);
        drop(pool);
        let task = other_handle.run_in_process(double, 21);
        drop(other_handle);
        assert_eq!(end_of(task).unwrap(), 42);
        before.are_back_blocking();
        pool_of(1).run_in_process(double, 21).detach();
        before.are_back_blocking();
    });
}

/// Polls until the current tokio task has no cooperative budget left. Then tokio's own primitives return
/// "pending" in every case.
fn use_up_budget() {
    let mut cx = Context::from_waker(Waker::noop());
    while pin!(tokio::task::coop::consume_budget())
        .poll(&mut cx)
        .is_ready()
    {}
}

/// Makes every blocking call once.
fn block_well(gate: PathBuf) {
    let refused = ProcessPool::builder().workers(0).build_blocking();
    assert!(refused.is_err());
    for _ in 0..2 {
        use_up_budget();
        let pool = pool_of(1);
        pool.warm_up().unwrap();
        let task = pool.run_in_process(double, 21);
        assert_eq!(task.wait().unwrap(), 42);
        let permit = pool.reserve().unwrap();
        assert_eq!(permit.run_in_process(double, 21).wait().unwrap(), 42);
        let task = pool.run_in_process(visit_and_linger, gate.clone());
        let task = task.wait_timeout(Duration::from_millis(5)).unwrap_err();
        assert_eq!(pool.terminate().abandoned_tasks(), 1);
        assert!(task.wait().unwrap_err().is_pool_closed());
    }
    use_up_budget();
    pool_of(1).shutdown();
    let _ = pool_of(1).shutdown_timeout(PATIENCE);
    // Dropped in here, with its runtime.
    drop(pool_of(1));
}

#[test]
fn a_blocking_pool_works_inside_a_runtime_and_does_not_wait_for_it() {
    for runtime in [current_thread, multi_thread] {
        in_time(move || {
            let runtime = runtime();
            runtime.block_on(async {
                let gate = Gate::open();
                block_well(gate.path());
                let path = gate.path();
                // Also in a task, which runs on one of the runtime's own threads.
                tokio::spawn(async { block_well(path) }).await.unwrap();
            });
        });
    }
}

#[test]
fn a_pool_outlives_the_runtime_that_it_was_built_in() {
    let pool = current_thread().block_on(async { pool_of(1) });
    assert_eq!(end_of(pool.run_in_process(double, 21)).unwrap(), 42);
}

#[test]
fn an_async_program_awaits_the_tasks_of_a_blocking_pool() {
    let pool = pool_of(1);
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            let task = pool.run_in_process(double, 21).into_future();
            assert_eq!(patiently(task).await.unwrap(), 42);
            let task = pool.as_async().run_in_process(double, 4);
            assert_eq!(patiently(task).await.unwrap(), 8);
        });
    }
    let handle = pool.as_async().clone();
    drop(pool);
    let task = handle.run_in_process(double, 21);
    assert_eq!(futures::executor::block_on(task).unwrap(), 42);
}

/// Builds a pool in the worker.
fn double_in_a_pool_of_its_own(x: u64) -> u64 {
    assert!(procpool::worker::is_worker());
    pool_of(1).run_in_process(double, x).wait().unwrap()
}

#[test]
fn a_function_may_have_a_blocking_pool_of_its_own() {
    let pool = pool_of(1);
    for x in 0..2 {
        let task = pool.run_in_process(double_in_a_pool_of_its_own, x);
        assert_eq!(end_of(task).unwrap(), x * 2);
    }
}

#[test]
fn a_map_is_an_iterator() {
    let pool = pool_of(2);
    in_time(move || {
        let mut map = pool.map(double, 0..).buffer(100);
        assert!(
            map.by_ref()
                .take(1000)
                .map(Result::unwrap)
                .eq((0..1000).map(double))
        );
        drop(map);
        let mut all: Vec<_> = pool
            .map(double, 0..1000)
            .unordered()
            .map(Result::unwrap)
            .collect();
        all.sort_unstable();
        assert!(all.into_iter().eq((0..1000).map(double)));
        pool.shutdown();
    });
}
