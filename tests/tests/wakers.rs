//! A waker that misbehaves affects only the task that is polled with it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use procpool::{AbortHandle, ProcessPool};
use procpool_tests::{Gate, kill, patiently, patiently_on, visit, visit_and_linger};

/// Panics whenever it is woken, and counts how often.
#[derive(Default)]
struct PanicsOnWake(AtomicUsize);

impl PanicsOnWake {
    fn new() -> (Arc<Self>, Waker) {
        let this = Arc::new(PanicsOnWake::default());
        (Arc::clone(&this), Waker::from(this))
    }

    fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for PanicsOnWake {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        panic!("a waker that panics");
    }
}

fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(waker))
}

fn pid(_: ()) -> u32 {
    std::process::id()
}

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .build()
        .expect("a pool")
}

#[procpool::test]
async fn a_waker_that_panics_at_a_result_costs_no_worker() {
    let (gate, pool) = (Gate::open(), pool_of(1));
    let mut first = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let others: Vec<_> = (0..10).map(|_| pool.run_in_process(pid, ())).collect();
    let (panics, waker) = PanicsOnWake::new();
    assert!(poll_with(&mut first, &waker).is_pending());
    let worker = visitor.pid;
    visitor.let_go().await;
    for other in patiently(join_all(others)).await {
        assert_eq!(other.unwrap(), worker);
    }
    assert_eq!(panics.wakes(), 1);
    assert_eq!(patiently(first).await.unwrap(), worker);
    assert_eq!(
        patiently(pool.run_in_process(pid, ())).await.unwrap(),
        worker
    );
}

#[procpool::test]
async fn tasks_that_end_together_all_end_though_each_waker_panics() {
    let (gate, pool) = (Gate::open(), pool_of(1));
    let first = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let mut queued: Vec<_> = (0..5).map(|_| pool.run_in_process(pid, ())).collect();
    let (panics, waker) = PanicsOnWake::new();
    for task in &mut queued {
        assert!(poll_with(task, &waker).is_pending());
    }
    assert_eq!(pool.cancel_queued(), 5);
    assert_eq!(panics.wakes(), 5);
    for task in patiently(join_all(queued)).await {
        assert!(task.unwrap_err().is_cancelled());
    }
    visitor.let_go().await;
    patiently(first).await.unwrap();
}

#[procpool::test]
async fn a_waker_that_panics_at_a_death_leaves_the_pool_alone() {
    let (gate, pool) = (Gate::open(), pool_of(1));
    let mut doomed = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let other = pool.run_in_process(pid, ());
    let (panics, waker) = PanicsOnWake::new();
    assert!(poll_with(&mut doomed, &waker).is_pending());
    kill(visitor.pid);
    assert_ne!(patiently(other).await.unwrap(), visitor.pid);
    assert!(patiently(doomed).await.unwrap_err().is_worker_exited());
    assert_eq!(panics.wakes(), 1);
}

#[procpool::test]
async fn a_waker_that_panics_at_a_time_limit_leaves_the_pool_alone() {
    let (gate, pool) = (Gate::open(), pool_of(1));
    let hasty = pool.with_timeout(Duration::from_millis(20));
    let mut doomed = hasty.run_in_process(visit_and_linger, gate.path());
    let (panics, waker) = PanicsOnWake::new();
    assert!(poll_with(&mut doomed, &waker).is_pending());
    let visitor = gate.visitor().await;
    let other = pool.run_in_process(pid, ());
    visitor.gone().await;
    patiently(other).await.unwrap();
    assert!(patiently(doomed).await.unwrap_err().is_timed_out());
    assert_eq!(panics.wakes(), 1);
}

#[procpool::test]
async fn a_waker_that_panics_for_a_map_costs_no_worker() {
    let (gate, pool) = (Gate::open(), pool_of(1));
    let mut map = pool.map(visit, [gate.path()]);
    let (panics, waker) = PanicsOnWake::new();
    assert!(poll_with(&mut map.next(), &waker).is_pending());
    let visitor = gate.visitor().await;
    let other = pool.run_in_process(pid, ());
    let worker = visitor.pid;
    visitor.let_go().await;
    assert_eq!(patiently(other).await.unwrap(), worker);
    assert!(panics.wakes() > 0);
    assert_eq!(patiently(map.next()).await.unwrap().unwrap(), worker);
    assert!(patiently(map.next()).await.is_none());
}

#[procpool::test]
async fn a_waker_that_panics_in_the_line_for_room_leaves_the_next_in_line_alone() {
    let builder = ProcessPool::builder().workers(1).queue_capacity(1);
    let (gate, pool) = (Gate::open(), builder.build().expect("a pool"));
    let first = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let queued = pool.run_in_process(pid, ());
    let mut asked = Box::pin(pool.reserve());
    let next = pool.reserve();
    let (panics, waker) = PanicsOnWake::new();
    assert!(poll_with(&mut asked, &waker).is_pending());
    let worker = visitor.pid;
    visitor.let_go().await;
    let permit = patiently(next).await.unwrap();
    assert_eq!(panics.wakes(), 1);
    drop(patiently(asked).await.unwrap());
    let last = permit.run_in_process(pid, ());
    for task in [first, queued, last] {
        assert_eq!(patiently(task).await.unwrap(), worker);
    }
}

#[procpool::test]
async fn a_waker_that_panics_gives_its_place_in_the_line_away_when_it_is_dropped() {
    let builder = ProcessPool::builder().workers(1).queue_capacity(1);
    let (gate, pool) = (Gate::open(), builder.build().expect("a pool"));
    let first = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let queued = pool.run_in_process(pid, ());
    let mut asked = Box::pin(pool.reserve());
    assert!(poll_with(&mut asked, &PanicsOnWake::new().1).is_pending());
    drop(asked);
    visitor.let_go().await;
    patiently(first).await.unwrap();
    patiently(queued).await.unwrap();
    drop(patiently(pool.reserve()).await.unwrap());
}

#[procpool::test]
async fn a_waker_that_panics_when_the_pool_is_warm_leaves_others_alone() {
    let pool = pool_of(1);
    let mut warm = Box::pin(pool.warm_up());
    let (panics, waker) = PanicsOnWake::new();
    assert!(poll_with(&mut warm, &waker).is_pending());
    patiently(pool.warm_up()).await.unwrap();
    patiently(warm).await.unwrap();
    assert_eq!(panics.wakes(), 1);
    patiently(pool.run_in_process(pid, ())).await.unwrap();
}

#[procpool::test]
async fn a_waker_that_panics_when_the_pool_has_stopped_leaves_others_alone() {
    let pool = pool_of(1);
    patiently(pool.run_in_process(pid, ())).await.unwrap();
    let (panics, waker) = PanicsOnWake::new();
    let mut stops: Vec<_> = (0..20).map(|_| Box::pin(pool.shutdown())).collect();
    for stop in &mut stops {
        assert!(poll_with(stop, &waker).is_pending());
    }
    patiently(pool.shutdown()).await;
    assert_eq!(panics.wakes(), stops.len());
    patiently(join_all(stops)).await;
}

/// Does nothing until it is dropped; then it panics, or first aborts a task.
struct AbortsOnDrop(AbortHandle);

impl Wake for AbortsOnDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for AbortsOnDrop {
    fn drop(&mut self) {
        self.0.abort();
        panic!("a waker that panics when it is dropped");
    }
}

/// Aborting a task takes the same locks as polling it.
#[test]
fn a_waker_whose_drop_aborts_its_task_can_be_replaced() {
    patiently_on(
        |builder| builder.enable_all(),
        || async {
            let pool = pool_of(1);
            let mut task = pool.run_in_process(pid, ());
            let waker = Waker::from(Arc::new(AbortsOnDrop(task.abort_handle())));
            assert!(poll_with(&mut task, &waker).is_pending());
            drop(waker);
            assert!(poll_with(&mut task, Waker::noop()).is_pending());
            assert!(task.await.unwrap_err().is_cancelled());
        },
    );
}

/// The same for the results of a map.
#[test]
fn a_waker_whose_drop_aborts_another_task_can_be_replaced_in_a_map() {
    patiently_on(
        |builder| builder.enable_all(),
        || async {
            let pool = pool_of(1);
            let task = pool.run_in_process(pid, ());
            let mut map = pool.map(|x: u64| 2 * x, [1, 2]);
            let waker = Waker::from(Arc::new(AbortsOnDrop(task.abort_handle())));
            assert!(poll_with(&mut map.next(), &waker).is_pending());
            drop(waker);
            let doubled: Vec<u64> = map.map(Result::unwrap).collect().await;
            assert_eq!(doubled, [2, 4]);
            assert!(task.await.unwrap_err().is_cancelled());
        },
    );
}
