//! A function as a `tower::Service`: its readiness is room in the pool, and it works under layers.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::FutureExt;
use futures::future::try_join_all;
use procpool::{ProcessPool, ProcessService, Task, TaskError};
use procpool_tests::{Gate, Manner, Side, Step, Trap, Visitor, patiently, visit, visit_and_linger};
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;
use tower::{Service, ServiceBuilder, ServiceExt};

fn double(x: u64) -> u64 {
    x * 2
}

/// A pool whose worker is at the gate and whose queue holds at most `capacity` tasks.
async fn busy_pool(capacity: usize) -> (ProcessPool, Gate, Task<u32>, Visitor) {
    let gate = Gate::open();
    let builder = ProcessPool::builder().workers(1).queue_capacity(capacity);
    let pool = builder.build().expect("a pool");
    let task = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    (pool, gate, task, visitor)
}

type Doubler = ProcessService<u64, u64>;

/// Returns what `poll_ready` returns at this moment.
fn readiness(service: &mut Doubler) -> Poll<Result<(), TaskError>> {
    service.poll_ready(&mut Context::from_waker(Waker::noop()))
}

async fn ready(service: &mut Doubler) -> Result<(), TaskError> {
    patiently(poll_fn(|cx| service.poll_ready(cx))).await
}

#[procpool::test]
async fn a_service_runs_its_function_in_a_worker() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let mut service = pool.service(|x: u32| (x + 1, std::process::id()));
    let service = patiently(service.ready()).await.unwrap();
    let (next, pid) = patiently(service.call(4)).await.unwrap();
    assert_eq!(next, 5);
    assert_ne!(pid, std::process::id());
}

#[procpool::test]
async fn a_service_may_have_its_workers_state() {
    let builder = ProcessPool::builder().workers(1);
    let pool = builder.initializer(|first: u64| first, 10).build().unwrap();
    let service = pool.service_with_state(|sum: &mut u64, x: u64| {
        *sum += x;
        *sum
    });
    for sum in [11, 12, 13] {
        let call = service.clone().oneshot(1);
        assert_eq!(patiently(call).await.unwrap(), sum);
    }
}

#[procpool::test]
async fn a_service_has_the_options_of_its_handle() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let hasty = pool.with_timeout(Duration::from_millis(20));
    let gate = Gate::open();
    let endless = hasty.service(visit_and_linger).oneshot(gate.path());
    assert!(patiently(endless).await.unwrap_err().is_timed_out());
}

#[procpool::test]
async fn services_become_ready_in_the_order_of_the_line() {
    let (pool, _gate, running, visitor) = busy_pool(0).await;
    let (mut first, mut second) = (pool.service(double), pool.service(double));
    assert!(readiness(&mut first).is_pending());
    let mut reserved = Box::pin(pool.reserve());
    assert!(reserved.as_mut().now_or_never().is_none());
    assert!(readiness(&mut second).is_pending());
    visitor.let_go().await;
    patiently(running).await.unwrap();
    ready(&mut first).await.unwrap();
    // The first one holds the only room; polling again does not lose the place in line.
    assert!(readiness(&mut second).is_pending());
    assert!(reserved.as_mut().now_or_never().is_none());
    assert_eq!(patiently(first.call(1)).await.unwrap(), 2);
    let permit = patiently(reserved).await.unwrap();
    assert!(readiness(&mut second).is_pending());
    drop(permit);
    ready(&mut second).await.unwrap();
    assert_eq!(patiently(second.call(2)).await.unwrap(), 4);
}

#[procpool::test]
async fn a_ready_service_is_not_refused() {
    let (pool, _gate, running, visitor) = busy_pool(1).await;
    let mut service = pool.service(double);
    ready(&mut service).await.unwrap();
    let refused = patiently(pool.run_in_process(double, 1)).await;
    assert!(refused.unwrap_err().is_queue_full());
    let call = service.call(21);
    visitor.let_go().await;
    assert_eq!(patiently(call).await.unwrap(), 42);
    patiently(running).await.unwrap();
}

#[procpool::test]
async fn a_ready_service_that_is_dropped_gives_its_room_back() {
    let (pool, _gate, _running, _visitor) = busy_pool(1).await;
    let (mut first, mut second) = (pool.service(double), pool.service(double));
    ready(&mut first).await.unwrap();
    assert!(readiness(&mut second).is_pending());
    drop(first);
    ready(&mut second).await.unwrap();
    // A waiting one leaves the line, too: the next one moves up.
    let (mut third, mut fourth) = (second.clone(), second.clone());
    assert!(readiness(&mut third).is_pending());
    assert!(readiness(&mut fourth).is_pending());
    drop(third);
    drop(second);
    ready(&mut fourth).await.unwrap();
}

#[procpool::test]
async fn arguments_that_cannot_be_encoded_give_the_room_back() {
    let (pool, _gate, _running, _visitor) = busy_pool(1).await;
    let mut service = pool.service(|_: Trap| ());
    let trap = Trap::set(Side::Parent, Step::Serialize, Manner::Error);
    let call = patiently(service.ready()).await.unwrap().call(trap);
    assert!(patiently(call).await.unwrap_err().is_encode());
    ready(&mut pool.service(double)).await.unwrap();
}

#[procpool::test]
async fn a_clone_has_a_readiness_of_its_own() {
    let (pool, _gate, _running, _visitor) = busy_pool(1).await;
    let mut service = pool.service(double);
    ready(&mut service).await.unwrap();
    let mut clone = service.clone();
    assert!(readiness(&mut clone).is_pending());
    assert!(readiness(&mut service).is_ready());
}

#[procpool::test]
async fn a_call_without_readiness_is_run_in_process() {
    let (pool, _gate, running, visitor) = busy_pool(1).await;
    let mut service = pool.service(double);
    let call = service.call(21);
    let refused = patiently(service.call(1)).await;
    assert!(refused.unwrap_err().is_queue_full());
    visitor.let_go().await;
    patiently(running).await.unwrap();
    assert_eq!(patiently(call).await.unwrap(), 42);
}

#[procpool::test]
async fn a_call_without_readiness_does_not_wait_behind_its_own_place_in_line() {
    let (pool, _gate, _running, visitor) = busy_pool(0).await;
    let mut service = pool.service(double);
    assert!(readiness(&mut service).is_pending());
    visitor.let_go().await;
    patiently(_running).await.unwrap();
    // It has been given room and has not been polled.
    assert_eq!(patiently(service.call(21)).await.unwrap(), 42);
}

#[procpool::test]
async fn a_service_of_a_closed_pool_gives_pool_closed() {
    let (pool, _gate, running, visitor) = busy_pool(1).await;
    let (mut holds, mut held) = (pool.service(double), pool.service(double));
    ready(&mut holds).await.unwrap();
    assert!(readiness(&mut held).is_pending());
    let mut unaware = pool.service(double);
    let waits = ready(&mut held);
    pool.close();
    assert!(waits.await.unwrap_err().is_pool_closed());
    for service in [&mut holds, &mut held, &mut unaware] {
        for _ in 0..2 {
            assert!(ready(service).await.unwrap_err().is_pool_closed());
        }
        let call = service.call(1);
        assert!(patiently(call).await.unwrap_err().is_pool_closed());
    }
    visitor.let_go().await;
    patiently(running).await.unwrap();
}

#[procpool::test]
async fn a_ready_service_whose_pool_was_closed_gives_pool_closed() {
    let (pool, _gate, _running, _visitor) = busy_pool(1).await;
    let mut service = pool.service(double);
    ready(&mut service).await.unwrap();
    pool.close();
    let call = service.call(1);
    assert!(patiently(call).await.unwrap_err().is_pool_closed());
}

#[procpool::test]
async fn a_service_keeps_its_pool_open() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let service = pool.service(double);
    drop(pool);
    assert_eq!(patiently(service.oneshot(21)).await.unwrap(), 42);
}

#[procpool::test]
async fn a_service_is_send_and_its_futures_are_unpin() {
    fn is_usable<A, T>(service: T) -> T
    where
        T: Service<A, Future: Send + Unpin + 'static> + Clone + Send + Sync + Unpin + 'static,
    {
        service
    }
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let service = is_usable(pool.service(double));
    let boxed = tower::util::BoxCloneService::new(service);
    let call = tokio::spawn(boxed.oneshot(21));
    assert_eq!(patiently(call).await.unwrap().unwrap(), 42);
}

#[procpool::test]
async fn a_buffer_makes_many_callers_wait_instead_of_refusing_them() {
    let builder = ProcessPool::builder().workers(2).queue_capacity(1);
    let pool = builder.build().unwrap();
    let service = ServiceBuilder::new()
        .buffer(4)
        .concurrency_limit(3)
        .service(pool.service(double));
    let calls = (0..50_u64).map(|x| service.clone().oneshot(x));
    let results = patiently(try_join_all(calls)).await.unwrap();
    assert!(results.into_iter().eq((0..50).map(double)));
}

#[procpool::test]
async fn a_concurrency_limit_applies_before_the_pools_room() {
    let gate = Gate::open();
    let pool = ProcessPool::builder().workers(2).build().unwrap();
    let mut service = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(pool.service(visit));
    let call = patiently(service.ready()).await.unwrap().call(gate.path());
    let visitor = gate.visitor().await;
    assert!(service.ready().now_or_never().is_none());
    visitor.let_go().await;
    patiently(call).await.unwrap();
    let call = patiently(service.ready()).await.unwrap().call(gate.path());
    gate.visitor().await.let_go().await;
    patiently(call).await.unwrap();
}

#[procpool::test]
async fn a_timeout_of_tower_kills_a_function_that_takes_too_long() {
    let gate = Gate::open();
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let limit = Duration::from_secs(3600);
    let service = ServiceBuilder::new()
        .timeout(limit)
        .service(pool.service(visit_and_linger));
    let call = tokio::spawn(service.oneshot(gate.path()));
    let visitor = gate.visitor().await;
    tokio::time::pause();
    tokio::time::advance(limit).await;
    tokio::time::resume();
    let error = patiently(call).await.unwrap().unwrap_err();
    assert!(error.is::<Elapsed>(), "{error:?}");
    visitor.gone().await;
    assert_eq!(
        patiently(pool.run_in_process(double, 21)).await.unwrap(),
        42
    );
}

#[procpool::test]
async fn a_full_pool_sheds_load() {
    let (pool, _gate, running, visitor) = busy_pool(0).await;
    let mut service = ServiceBuilder::new()
        .load_shed()
        .service(pool.service(double));
    let call = patiently(service.ready()).await.unwrap().call(1);
    let error = patiently(call).await.unwrap_err();
    assert!(error.is::<Overloaded>(), "{error:?}");
    visitor.let_go().await;
    patiently(running).await.unwrap();
    // Its place in line has come.
    let call = patiently(service.ready()).await.unwrap().call(21);
    assert_eq!(patiently(call).await.unwrap(), 42);
}
