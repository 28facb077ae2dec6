//! The number of workers: on demand, by `resize`, and on standby.

use std::collections::HashSet;
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{join_all, try_join_all};
use procpool::{PoolSize, ProcessPool, ResizeError, Task, TaskError, TaskState};
use procpool_tests::{Gate, Log, Visitor, Watched, kill, note, patiently, visit};

/// Reaches a gate when its worker stops; a worker that is killed does not.
struct Farewell(PathBuf);

impl Drop for Farewell {
    fn drop(&mut self) {
        let _ = visit(self.0.clone());
    }
}

/// Writes its process id to a log.
fn sign(log: PathBuf) {
    note(&log, &std::process::id().to_string());
}

fn signed(log: &Log) -> HashSet<u32> {
    let lines = log.lines().into_iter();
    lines.map(|line| line.parse().expect("a pid")).collect()
}

/// Returns this many tasks, each of which is at the gate.
async fn at_gate<S>(
    pool: &ProcessPool<S>,
    gate: &Gate,
    count: usize,
) -> (Vec<Task<u32>>, Vec<Visitor>) {
    let tasks = (0..count).map(|_| pool.run_in_process(visit, gate.path()));
    let tasks: Vec<_> = tasks.collect();
    let mut visitors = Vec::new();
    for _ in 0..count {
        visitors.push(gate.visitor().await);
    }
    (tasks, visitors)
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

#[procpool::test]
async fn a_pool_grows_with_its_work_and_shrinks_when_there_is_none() {
    let (gate, exit) = (Gate::open(), Gate::open());
    let pool = ProcessPool::builder()
        .min_workers(1)
        .max_workers(3)
        .idle_timeout(Duration::from_millis(20))
        .initializer(Farewell, exit.path())
        .build()
        .unwrap();
    let (tasks, visitors) = at_gate(&pool, &gate, 3).await;
    let mut pids: HashSet<u32> = visitors.iter().map(|visitor| visitor.pid).collect();
    assert_eq!(pids.len(), 3);
    for visitor in visitors {
        visitor.let_go().await;
    }
    patiently(try_join_all(tasks)).await.unwrap();
    for _ in 0..2 {
        let leaver = exit.visitor().await;
        assert!(pids.remove(&leaver.pid), "{} was not there", leaver.pid);
        leaver.let_go().await;
    }
    let pid = patiently(pool.run_in_process(|()| std::process::id(), ())).await;
    assert!(pids.contains(&pid.unwrap()), "the least number stays");
    patiently(pool.terminate()).await;
}

/// Short if it is given no gate, and else as long as it has to wait there.
fn pass_or_wait(gate: Option<PathBuf>) -> u32 {
    gate.map_or(0, visit)
}

/// A call that is sent behind one that is expected to be short is stuck there if that one proves to be long. Only the
/// look for untouched tasks took it back, after five to ten seconds.
#[procpool::test]
async fn a_pool_grows_for_a_call_behind_one_that_takes_longer_than_before() {
    let gate = Gate::open();
    let pool = ProcessPool::builder()
        .min_workers(1)
        .max_workers(4)
        .build()
        .unwrap();
    for _ in 0..5 {
        patiently(pool.run_in_process(pass_or_wait, None))
            .await
            .unwrap();
    }
    let long = pool.run_in_process(pass_or_wait, Some(gate.path()));
    let behind = pool.run_in_process(pass_or_wait, None);
    let grown = tokio::time::timeout(Duration::from_secs(4), behind).await;
    grown.expect("a second worker starts at once").unwrap();
    gate.visitor().await.let_go().await;
    patiently(long).await.unwrap();
}

#[procpool::test]
async fn a_pool_that_may_be_empty_starts_again_from_nothing() {
    let exit = Gate::open();
    let pool = ProcessPool::builder()
        .min_workers(0)
        .max_workers(2)
        .idle_timeout(Duration::ZERO)
        .initializer(Farewell, exit.path())
        .build()
        .unwrap();
    for _ in 0..3 {
        let pid = patiently(pool.run_in_process(|()| std::process::id(), ())).await;
        let leaver = exit.visitor().await;
        assert_eq!(leaver.pid, pid.unwrap());
        leaver.let_go().await;
    }
}

#[procpool::test]
async fn a_larger_pool_runs_waiting_tasks_at_once() {
    let gate = Gate::open();
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let tasks = [(); 3].map(|()| pool.run_in_process(visit, gate.path()));
    let first = gate.visitor().await;
    assert_eq!(tasks[2].state(), TaskState::Queued);
    pool.resize(3).unwrap();
    let others = [gate.visitor().await, gate.visitor().await];
    assert_eq!(pool.size(), PoolSize::from(3));
    for visitor in [first].into_iter().chain(others) {
        visitor.let_go().await;
    }
    let pids: HashSet<_> = patiently(try_join_all(tasks))
        .await
        .unwrap()
        .into_iter()
        .collect();
    assert_eq!(pids.len(), 3);
}

#[procpool::test]
async fn a_smaller_pool_interrupts_no_task() {
    let (gate, exit) = (Gate::open(), Gate::open());
    let pool = ProcessPool::builder()
        .workers(3)
        .initializer(Farewell, exit.path())
        .build()
        .unwrap();
    let (tasks, visitors) = at_gate(&pool, &gate, 3).await;
    pool.resize(1).unwrap();
    let last = pool.run_in_process(visit, gate.path());
    let mut remaining: HashSet<u32> = visitors.iter().map(|visitor| visitor.pid).collect();
    for visitor in visitors {
        // Until only one is left, there is no room for the waiting task.
        assert_eq!(last.state(), TaskState::Queued);
        assert!(!gate.has_visitor());
        let pid = visitor.pid;
        visitor.let_go().await;
        if remaining.len() > 1 {
            let leaver = exit.visitor().await;
            assert_eq!(leaver.pid, pid, "it leaves in peace when it is done");
            leaver.let_go().await;
            remaining.remove(&pid);
        }
    }
    patiently(try_join_all(tasks)).await.unwrap();
    let visitor = gate.visitor().await;
    assert!(remaining.contains(&visitor.pid));
    visitor.let_go().await;
    patiently(last).await.unwrap();
    patiently(pool.terminate()).await;
}

#[procpool::test]
async fn idle_workers_of_a_smaller_pool_stop_at_once() {
    let exit = Gate::open();
    let pool = ProcessPool::builder()
        .workers(3)
        .initializer(Farewell, exit.path())
        .build()
        .unwrap();
    patiently(pool.warm_up()).await.unwrap();
    pool.resize(..=1).unwrap();
    for _ in 0..2 {
        let leaver = exit.visitor().await;
        let process = leaver.watch();
        leaver.let_go().await;
        process.ended();
    }
    assert!(!exit.has_visitor());
    patiently(pool.terminate()).await;
}

#[procpool::test]
async fn an_impossible_size_is_refused_and_nothing_changes() {
    let pool = ProcessPool::builder().workers(2).build().unwrap();
    let backwards = std::ops::RangeInclusive::new(3, 2);
    for size in [0.into(), backwards.into(), usize::MAX.into(), (..=0).into()] {
        let size: PoolSize = size;
        let error = pool.resize(size).unwrap_err();
        assert!(matches!(error, ResizeError::Workers { .. }), "{error}");
    }
    assert_eq!(
        pool.resize(0).unwrap_err().to_string(),
        "a pool can't have 0 to 0 workers: give it at least one, and min <= max (and no more than 4194304)"
    );
    assert_eq!(pool.size(), PoolSize::from(2..=2));
    pool.close();
    assert_eq!(pool.resize(4), Err(ResizeError::PoolClosed));
    assert_eq!(pool.size(), PoolSize::from(2));
}

#[procpool::test]
async fn more_workers_than_a_system_can_have_are_refused() {
    let most = usize::MAX;
    let builders = [
        ProcessPool::builder().workers(most),
        ProcessPool::builder().standby_workers(most),
    ];
    for builder in builders {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().contains("4194304"), "{error}");
    }
}

#[procpool::test(flavor = "multi_thread")]
async fn the_last_of_many_concurrent_resizes_counts_and_no_task_is_lost() {
    let pool = ProcessPool::builder()
        .workers(2)
        .standby_workers(1)
        .build()
        .unwrap();
    let tasks: Vec<_> = (0..300)
        .map(|n: u64| pool.run_in_process(|n| n * n, n))
        .collect();
    let resizers = (0..4).map(|seed| {
        let pool = pool.clone();
        tokio::spawn(async move {
            for step in 0..40 {
                let max = 1 + (seed * 7 + step * 5) % 6;
                pool.resize(step % (max + 1)..=max).unwrap();
                let echo = pool.run_in_process(|step| step, step);
                assert_eq!(echo.await.unwrap(), step);
            }
        })
    });
    for ended in patiently(join_all(resizers)).await {
        ended.unwrap();
    }
    pool.resize(3).unwrap();
    assert_eq!(pool.size(), PoolSize::from(3));
    let squares = patiently(try_join_all(tasks)).await.unwrap();
    assert!((0..300).map(|n| n * n).eq(squares));
    // Now three run at the same time, and no more.
    let gate = Gate::open();
    let (tasks, visitors) = at_gate(&pool, &gate, 3).await;
    let fourth = pool.run_in_process(visit, gate.path());
    assert_eq!(fourth.state(), TaskState::Queued);
    for visitor in visitors {
        visitor.let_go().await;
    }
    gate.visitor().await.let_go().await;
    patiently(try_join_all(tasks)).await.unwrap();
    patiently(fourth).await.unwrap();
}

#[procpool::test]
async fn warm_up_starts_all_workers() {
    let log = Log::open();
    let pool = ProcessPool::builder()
        .min_workers(0)
        .max_workers(3)
        .standby_workers(1)
        .initializer(sign, log.path())
        .build()
        .unwrap();
    patiently(pool.warm_up()).await.unwrap();
    assert_eq!(signed(&log).len(), 4);
    pool.resize(4).unwrap();
    patiently(pool.warm_up()).await.unwrap();
    assert_eq!(signed(&log).len(), 5);
}

#[procpool::test]
async fn warm_up_fails_with_the_cause_if_workers_do_not_start() {
    fn refuse(_: ()) -> Result<(), String> {
        Err("no model".to_owned())
    }
    fn leave(_: ()) {
        std::process::exit(7)
    }
    let pool = ProcessPool::builder()
        .workers(2)
        .try_initializer(refuse, ())
        .build()
        .unwrap();
    for _ in 0..2 {
        let error = patiently(pool.warm_up()).await.unwrap_err();
        assert!(error.is_worker_start());
        assert!(chain(&error).ends_with("the initializer failed: no model"));
    }
    let pool = ProcessPool::builder()
        .workers(2)
        .initializer(leave, ())
        .build()
        .unwrap();
    let error = patiently(pool.warm_up()).await.unwrap_err();
    assert!(chain(&error).contains("exited with code 7"), "{error}");
}

#[procpool::test]
async fn warm_up_fails_after_startup_timeout() {
    fn hang(_: ()) {
        loop {
            std::thread::park();
        }
    }
    let pool = ProcessPool::builder()
        .workers(1)
        .startup_timeout(Duration::from_millis(300))
        .initializer(hang, ())
        .build()
        .unwrap();
    let TaskError::WorkerStart(error) = patiently(pool.warm_up()).await.unwrap_err() else {
        panic!("it did not start");
    };
    assert!(error.is_timed_out());
}

#[procpool::test]
async fn warm_up_fails_when_the_pool_is_closed() {
    let gate = Gate::open();
    let pool = ProcessPool::builder()
        .workers(1)
        .initializer(visit, gate.path())
        .build()
        .unwrap();
    let handle = pool.clone();
    let warm_up = tokio::spawn(async move { handle.warm_up().await });
    let visitor = gate.visitor().await;
    // The waiting one may not have started; it fails anyway.
    pool.close();
    assert!(
        patiently(warm_up)
            .await
            .unwrap()
            .unwrap_err()
            .is_pool_closed()
    );
    assert!(
        patiently(pool.warm_up())
            .await
            .unwrap_err()
            .is_pool_closed()
    );
    visitor.gone().await;
}

#[procpool::test]
async fn warm_up_may_be_dropped_and_called_again() {
    let gate = Gate::open();
    let pool = ProcessPool::builder()
        .min_workers(0)
        .max_workers(1)
        .initializer(visit, gate.path())
        .build()
        .unwrap();
    assert!(pool.warm_up().now_or_never().is_none());
    let visitor = gate.visitor().await;
    assert!(pool.warm_up().now_or_never().is_none());
    let warm_up = pool.warm_up();
    visitor.let_go().await;
    patiently(warm_up).await.unwrap();
}

/// A pool with one worker and one standby worker, both ready; and their process ids.
async fn one_and_one(log: &Log) -> (ProcessPool, HashSet<u32>) {
    let pool = ProcessPool::builder()
        .workers(1)
        .standby_workers(1)
        .initializer(sign, log.path())
        .build()
        .unwrap();
    patiently(pool.warm_up()).await.unwrap();
    let pids = signed(log);
    assert_eq!(pids.len(), 2);
    (pool, pids)
}

#[procpool::test]
async fn after_a_kill_from_outside_the_next_task_runs_in_a_standby_worker() {
    let log = Log::open();
    let (pool, pids) = one_and_one(&log).await;
    let gate = Gate::open();
    let killed = pool.run_in_process(visit, gate.path());
    let victim = gate.visitor().await;
    assert!(pids.contains(&victim.pid));
    let next = pool.run_in_process(visit, gate.path());
    assert_eq!(next.state(), TaskState::Queued, "one is at work");
    kill(victim.pid);
    let heir = gate.visitor().await;
    assert!(pids.contains(&heir.pid), "it was started for this task");
    assert_ne!(heir.pid, victim.pid);
    heir.let_go().await;
    assert!(patiently(killed).await.unwrap_err().is_worker_exited());
    patiently(next).await.unwrap();
}

#[procpool::test]
async fn after_a_cancellation_the_next_task_runs_in_a_standby_worker() {
    let log = Log::open();
    let (pool, pids) = one_and_one(&log).await;
    let gate = Gate::open();
    let cancelled = pool.run_in_process(visit, gate.path());
    let victim = gate.visitor().await;
    let process = Watched::new(victim.pid);
    drop(cancelled);
    let next = pool.run_in_process(|()| std::process::id(), ());
    let heir = patiently(next).await.unwrap();
    assert!(pids.contains(&heir) && heir != victim.pid);
    process.ended();
    // Another standby worker is started afterwards.
    patiently(pool.warm_up()).await.unwrap();
    let there = signed(&log);
    let (tasks, visitors) = at_gate(&pool, &gate, 1).await;
    drop(tasks);
    let next = patiently(pool.run_in_process(|()| std::process::id(), ())).await;
    let next = next.unwrap();
    assert!(there.contains(&next) && next != visitors[0].pid);
}
