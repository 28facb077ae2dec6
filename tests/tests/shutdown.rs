//! The end of a pool.

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::pin;
use std::process;
use std::time::Duration;

use futures::future::{join, join_all, try_join_all};
use procpool::{ProcessPool, Task, TaskOptions};
use procpool_tests::{
    Gate, Log, Visitor, Watched, children, note, patiently, visit, visit_and_linger,
};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(3600);

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .build()
        .expect("a pool")
}

/// A pool whose workers all wait at a gate.
async fn busy_pool<const N: usize>(gate: &Gate) -> (ProcessPool, [(Task<u32>, Visitor); N]) {
    let pool = pool_of(N);
    let mut tasks = Vec::new();
    for _ in 0..N {
        let task = pool.run_in_process(visit, gate.path());
        tasks.push((task, gate.visitor().await));
    }
    (pool, tasks.try_into().expect("there are as many"))
}

fn assert_reaped(workers: &[u32]) {
    let children = children();
    for pid in workers {
        assert!(!children.contains(pid), "worker {pid} is still there");
    }
}

async fn assert_closed(pool: &ProcessPool) {
    assert!(pool.is_closed());
    let refused = patiently(pool.run_in_process(|()| (), ())).await;
    assert!(refused.is_err_and(|error| error.is_pool_closed()));
}

#[procpool::test]
async fn shutdown_finishes_what_was_accepted_and_leaves_no_worker() {
    let gate = Gate::open();
    let (pool, [(first, at_gate), (second, also)]) = busy_pool(&gate).await;
    let workers = [at_gate.pid, also.pid];
    let queued: Vec<_> = (0..100)
        .map(|x| pool.run_in_process(|x: u32| x, x))
        .collect();
    let mut shutdown = pin!(pool.shutdown());
    assert!(futures::poll!(&mut shutdown).is_pending());
    assert_closed(&pool).await;
    at_gate.let_go().await;
    also.let_go().await;
    patiently(shutdown).await;
    assert_reaped(&workers);
    // The results had arrived before.
    assert_eq!(first.await.unwrap(), workers[0]);
    assert_eq!(second.await.unwrap(), workers[1]);
    let results = try_join_all(queued).await.unwrap();
    assert!(results.into_iter().eq(0..100));
}

#[procpool::test]
async fn shutdown_waits_for_detached_tasks() {
    let (gate, log) = (Gate::open(), Log::open());
    let pool = pool_of(1);
    let note_after = |(gate, log): (PathBuf, PathBuf)| {
        let _ = visit(gate);
        note(&log, "done");
    };
    pool.run_in_process(note_after, (gate.path(), log.path()))
        .detach();
    let visitor = gate.visitor().await;
    let mut shutdown = pin!(pool.shutdown());
    assert!(futures::poll!(&mut shutdown).is_pending());
    visitor.let_go().await;
    patiently(shutdown).await;
    assert_eq!(log.lines(), ["done"]);
}

#[procpool::test]
async fn shutdown_may_be_called_again_and_by_many() {
    let gate = Gate::open();
    let (pool, [(task, visitor)]) = busy_pool(&gate).await;
    let worker = visitor.pid;
    let (other, third) = (pool.clone(), pool.with_timeout(LONG));
    let all = async {
        let shutdowns = [pool.shutdown(), other.shutdown(), third.shutdown()];
        join(join_all(shutdowns), visitor.let_go()).await
    };
    patiently(all).await;
    assert_reaped(&[worker]);
    assert_eq!(task.await.unwrap(), worker);
    patiently(pool.shutdown()).await;
    patiently(other.shutdown()).await;
    pool.close();
    assert_closed(&third).await;
    assert!(patiently(pool.shutdown_timeout(LONG)).await.is_clean());
    assert!(patiently(pool.terminate()).await.is_clean());
}

#[procpool::test]
async fn a_pool_that_has_just_been_built_can_be_shut_down() {
    for _ in 0..10 {
        patiently(pool_of(2).shutdown()).await;
        let report = patiently(pool_of(2).shutdown_timeout(LONG)).await;
        assert_eq!(report.abandoned_tasks(), 0);
        let report = patiently(pool_of(2).terminate()).await;
        assert_eq!(report.abandoned_tasks(), 0);
    }
}

#[procpool::test]
async fn a_task_that_waits_for_the_first_worker_is_finished_by_shutdown() {
    let pool = pool_of(1);
    let task = pool.run_in_process(|x: u8| x, 7);
    patiently(pool.shutdown()).await;
    assert_eq!(patiently(task).await.unwrap(), 7);
}

#[procpool::test]
async fn a_shutdown_whose_future_is_dropped_still_happens() {
    let gate = Gate::open();
    let (pool, [(task, visitor)]) = busy_pool(&gate).await;
    let process = visitor.watch();
    {
        let mut shutdown = pin!(pool.shutdown());
        assert!(futures::poll!(&mut shutdown).is_pending());
    }
    assert_closed(&pool).await;
    visitor.let_go().await;
    patiently(task).await.unwrap();
    patiently(ended(process)).await;
}

async fn ended(process: Watched) {
    let wait = tokio::task::spawn_blocking(move || process.ended());
    wait.await.expect("it ends");
}

#[procpool::test]
async fn a_death_during_a_shutdown_fails_its_task_only() {
    let gate = Gate::open();
    let (pool, [(victim, visitor)]) = busy_pool(&gate).await;
    let queued = pool.run_in_process(|()| process::id(), ());
    let mut shutdown = pin!(pool.shutdown());
    assert!(futures::poll!(&mut shutdown).is_pending());
    procpool_tests::kill(visitor.pid);
    patiently(shutdown).await;
    assert!(patiently(victim).await.unwrap_err().is_worker_exited());
    // A new worker was started for the accepted tasks.
    let worker = patiently(queued).await.unwrap();
    assert_ne!(worker, visitor.pid);
    assert_reaped(&[worker, visitor.pid]);
}

#[procpool::test]
async fn a_shutdown_in_time_is_clean() {
    let gate = Gate::open();
    let (pool, [(task, visitor)]) = busy_pool(&gate).await;
    let (worker, queued) = (visitor.pid, pool.run_in_process(|x: u8| x, 1));
    let (report, ()) = patiently(join(pool.shutdown_timeout(LONG), visitor.let_go())).await;
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.abandoned_tasks(), report.killed_workers()), (0, 0));
    assert!(report.took() < LONG);
    assert_reaped(&[worker]);
    assert_eq!(task.await.unwrap(), worker);
    assert_eq!(queued.await.unwrap(), 1);
}

#[procpool::test]
async fn after_its_grace_a_shutdown_kills_workers_and_reports_abandoned_tasks() {
    let gate = Gate::open();
    let (pool, [(first, at_gate), (second, also)]) = busy_pool(&gate).await;
    let workers = [at_gate.pid, also.pid];
    let queued = [1, 2, 3].map(|x| pool.run_in_process(|x: u8| x, x));
    let report = patiently(pool.shutdown_timeout(SHORT)).await;
    assert!(!report.is_clean());
    assert_eq!((report.abandoned_tasks(), report.killed_workers()), (5, 2));
    assert!(report.took() >= SHORT);
    assert_reaped(&workers);
    assert!(first.await.unwrap_err().is_pool_closed());
    assert!(second.await.unwrap_err().is_pool_closed());
    for task in queued {
        assert!(task.await.unwrap_err().is_pool_closed());
    }
}

#[procpool::test]
async fn earlier_kills_are_not_in_the_shutdowns_report() {
    let gate = Gate::open();
    let (pool, [(task, visitor)]) = busy_pool(&gate).await;
    drop(task);
    visitor.gone().await;
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
    let report = patiently(pool.shutdown_timeout(LONG)).await;
    assert!(report.is_clean(), "{report:?}");
}

#[procpool::test]
async fn terminate_kills_all_workers_and_closes_all_tasks() {
    let gate = Gate::open();
    let (pool, [(first, at_gate), (second, also)]) = busy_pool(&gate).await;
    let workers = [at_gate.pid, also.pid];
    let queued = pool.run_in_process(|()| (), ());
    let handle = first.abort_handle();
    let report = patiently(pool.terminate()).await;
    assert_reaped(&workers);
    assert_eq!((report.abandoned_tasks(), report.killed_workers()), (3, 2));
    assert!(handle.is_finished());
    assert!(first.await.unwrap_err().is_pool_closed());
    assert!(second.await.unwrap_err().is_pool_closed());
    assert!(queued.await.unwrap_err().is_pool_closed());
    assert_closed(&pool).await;
    at_gate.gone().await;
    also.gone().await;
}

#[procpool::test]
async fn terminate_does_not_wait_for_a_grace() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let options = TaskOptions::new().grace(LONG).retries(5);
    let gentle = pool.with(options);
    let task = gentle.run_in_process(visit_and_linger, gate.path());
    let visitor = gate.visitor().await;
    patiently(pool.terminate()).await;
    assert!(task.await.unwrap_err().is_pool_closed());
    assert_reaped(&[visitor.pid]);
    assert!(!gate.has_visitor(), "it was run again");
}

#[procpool::test]
async fn a_shutdown_is_cut_short_by_terminate() {
    let gate = Gate::open();
    let (pool, [(task, visitor)]) = busy_pool(&gate).await;
    let mut shutdown = pin!(pool.shutdown());
    assert!(futures::poll!(&mut shutdown).is_pending());
    patiently(pool.terminate()).await;
    patiently(shutdown).await;
    assert!(task.await.unwrap_err().is_pool_closed());
    assert_reaped(&[visitor.pid]);
}

#[procpool::test]
async fn tasks_can_be_dropped_and_aborted_after_the_shutdown() {
    let pool = pool_of(1);
    let tasks: Vec<_> = (0..20)
        .map(|x| pool.run_in_process(|x: u32| x, x))
        .collect();
    let handles: Vec<_> = tasks.iter().map(Task::abort_handle).collect();
    patiently(pool.shutdown()).await;
    for (i, (task, handle)) in tasks.into_iter().zip(&handles).enumerate() {
        handle.abort();
        assert!(!handle.abort_if_queued());
        match i % 3 {
            0 => drop(task),
            1 => task.detach(),
            _ => assert_eq!(task.await.unwrap(), i as u32),
        }
    }
    drop(pool);
    handles.iter().for_each(procpool::AbortHandle::abort);
}

#[procpool::test]
async fn without_its_last_handle_and_task_a_pool_ends() {
    let gate = Gate::open();
    let (pool, [(task, visitor)]) = busy_pool(&gate).await;
    let process = visitor.watch();
    drop(pool);
    visitor.let_go().await;
    // An awaited task keeps its pool.
    let worker = patiently(task).await.unwrap();
    patiently(ended(process)).await;
    patiently(async {
        while children().contains(&worker) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[procpool::test]
async fn a_worker_is_replaced_after_its_maximum_of_tasks_without_a_failed_task() {
    const TASKS: usize = 60;
    for workers in [1, 2] {
        let pool = ProcessPool::builder()
            .workers(workers)
            .max_tasks_per_worker(3)
            .build()
            .unwrap();
        // Half of them one by one, half of them at once.
        let mut pids = Vec::new();
        for _ in 0..TASKS / 2 {
            let task = pool.run_in_process(|()| process::id(), ());
            pids.push(patiently(task).await.unwrap());
        }
        let tasks = (0..TASKS / 2).map(|_| pool.run_in_process(|()| process::id(), ()));
        pids.extend(patiently(try_join_all(tasks)).await.unwrap());
        let mut runs = HashMap::<u32, usize>::new();
        pids.iter()
            .for_each(|&pid| *runs.entry(pid).or_default() += 1);
        assert!(runs.values().all(|&runs| runs <= 3), "{runs:?}");
        let report = patiently(pool.shutdown_timeout(LONG)).await;
        assert!(
            report.is_clean(),
            "recycled workers are not killed: {report:?}"
        );
        assert_reaped(&pids);
    }
}

#[procpool::test]
async fn a_worker_may_run_a_single_task() {
    let pool = ProcessPool::builder().workers(2).max_tasks_per_worker(1);
    let pool = pool.build().unwrap();
    let tasks = (0..20).map(|_| pool.run_in_process(|()| process::id(), ()));
    let mut pids = patiently(try_join_all(tasks)).await.unwrap();
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 20);
}
