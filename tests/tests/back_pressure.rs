//! A full queue: a call returns its arguments, or waits in line for room.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::FutureExt;
use futures::future::try_join_all;
use procpool::{Permit, PoolClosed, ProcessPool, Rejected, Task, TaskError, TaskState};
use procpool_tests::{Gate, Manner, Side, Step, Trap, Visitor, patiently, visit, visit_and_linger};

fn pool_of(workers: usize, capacity: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .queue_capacity(capacity)
        .build()
        .expect("a pool")
}

fn same(x: u32) -> u32 {
    x
}

/// A pool whose worker is at the gate and whose queue holds at most `capacity` tasks.
async fn busy_pool(capacity: usize) -> (ProcessPool, Gate, Task<u32>, Visitor) {
    let gate = Gate::open();
    let pool = pool_of(1, capacity);
    let task = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    (pool, gate, task, visitor)
}

#[procpool::test]
async fn a_call_without_room_returns_its_arguments() {
    let (pool, _gate, running, visitor) = busy_pool(1).await;
    let text = "a text of its own".to_owned();
    let place = text.as_ptr();
    let queued = pool.try_run_in_process(|text: String| text.len(), text.clone());
    let rejected = pool
        .try_run_in_process(|text: String| text.len(), text)
        .unwrap_err();
    assert!(rejected.is_queue_full() && !rejected.is_pool_closed());
    assert_eq!(rejected.to_string(), "the pool's queue is full");
    let text = rejected.into_args();
    assert_eq!(text.as_ptr(), place, "the very same");
    visitor.let_go().await;
    patiently(running).await.unwrap();
    assert_eq!(patiently(queued.unwrap()).await.unwrap(), 17);
    let task = pool.try_run_in_process(|text: String| text.len(), text);
    assert_eq!(patiently(task.unwrap()).await.unwrap(), 17);
}

#[procpool::test]
async fn a_closed_pool_returns_the_arguments_too() {
    let pool = pool_of(1, 5);
    pool.close();
    let rejected = pool.try_run_in_process(same, 7).unwrap_err();
    assert!(rejected.is_pool_closed() && !rejected.is_queue_full());
    assert_eq!(rejected.to_string(), "the pool is closed");
    assert_eq!(rejected.into_args(), 7);
}

#[procpool::test]
async fn a_rejection_is_an_error_like_any_other() {
    fn call(pool: &ProcessPool) -> Result<Task<u32>, TaskError> {
        Ok(pool.try_run_in_process(same, 1)?)
    }
    fn is_error<T: std::error::Error + Send + Sync + 'static>(error: T) -> T {
        error
    }
    let pool = pool_of(1, 0);
    pool.close();
    assert!(call(&pool).unwrap_err().is_pool_closed());
    let rejected: Rejected<u32> = is_error(pool.try_run_in_process(same, 1).unwrap_err());
    assert_eq!(format!("{rejected:?}"), "Rejected { reason: Closed, .. }");
    let closed = is_error(patiently(pool.reserve()).await.unwrap_err());
    assert!(TaskError::from(closed).is_pool_closed());
}

#[procpool::test]
async fn arguments_that_cannot_be_encoded_make_a_failed_task() {
    fn take(_: Trap) {}
    let traps = [
        (Step::Serialize, Manner::Error),
        (Step::Serialize, Manner::Panic),
        (Step::Drop, Manner::Panic),
        (Step::Drop, Manner::Bomb),
    ];
    let pool = pool_of(1, 0);
    for (step, manner) in traps {
        let trap = || Trap::set(Side::Parent, step, manner);
        let task = pool.try_run_in_process(take, trap()).expect("not rejected");
        assert_eq!(task.state(), TaskState::Finished);
        assert!(patiently(task).await.unwrap_err().is_encode());
        let permit = patiently(pool.reserve()).await.unwrap();
        let task = permit.run_in_process(take, trap());
        assert!(patiently(task).await.unwrap_err().is_encode());
    }
    // None of them holds the only room.
    let task = pool.try_run_in_process(same, 1).expect("room");
    assert_eq!(patiently(task).await.unwrap(), 1);
}

#[procpool::test]
async fn a_rejected_call_is_not_encoded() {
    static ENCODED: AtomicUsize = AtomicUsize::new(0);
    #[derive(serde::Deserialize)]
    struct Counted;
    impl serde::Serialize for Counted {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            ENCODED.fetch_add(1, Ordering::Relaxed);
            serializer.serialize_unit_struct("Counted")
        }
    }
    let (pool, _gate, _running, _visitor) = busy_pool(0).await;
    assert!(pool.try_run_in_process(|_: Counted| (), Counted).is_err());
    assert_eq!(ENCODED.load(Ordering::Relaxed), 0);
}

#[procpool::test]
async fn reserved_room_cannot_be_taken() {
    let pool = pool_of(1, 1);
    let first = patiently(pool.reserve()).await.unwrap();
    let second = patiently(pool.reserve()).await.unwrap();
    assert!(pool.try_run_in_process(same, 0).is_err());
    let refused = patiently(pool.run_in_process(same, 0)).await;
    assert!(refused.unwrap_err().is_queue_full());
    assert!(pool.reserve().now_or_never().is_none());
    let tasks = [
        first.run_in_process(same, 1),
        second.run_in_process(same, 2),
    ];
    assert_eq!(patiently(try_join_all(tasks)).await.unwrap(), [1, 2]);
    assert_eq!(
        patiently(pool.run_in_process(same, 3)).await.unwrap(),
        3,
        "it has come back"
    );
}

#[procpool::test]
async fn a_dropped_permit_gives_its_room_to_the_next() {
    let pool = pool_of(1, 0);
    let permit = patiently(pool.reserve()).await.unwrap();
    let mut next = pin!(pool.reserve());
    assert!(futures::poll!(&mut next).is_pending());
    drop(permit);
    let Poll::Ready(permit) = futures::poll!(&mut next) else {
        panic!("it has the room at once");
    };
    drop(permit);
    assert!(pool.try_run_in_process(same, 0).is_ok());
}

#[procpool::test]
async fn waiting_callers_get_room_in_order_as_tasks_finish() {
    let (pool, gate, running, visitor) = busy_pool(1).await;
    let queued = pool.run_in_process(visit, gate.path());
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(pool.reserve())).collect();
    for wait in &mut waiting {
        assert!(futures::poll!(wait).is_pending());
    }
    // The last one is polled first each time.
    visitor.let_go().await;
    patiently(running).await.unwrap();
    let visitor = gate.visitor().await;
    for place in [2, 1] {
        assert!(futures::poll!(&mut waiting[place]).is_pending());
    }
    let first = patiently(waiting.remove(0)).await.unwrap();
    let first = first.run_in_process(visit, gate.path());
    visitor.let_go().await;
    patiently(queued).await.unwrap();
    let visitor = gate.visitor().await;
    assert!(futures::poll!(&mut waiting[1]).is_pending());
    let second = patiently(waiting.remove(0)).await.unwrap();
    drop(second);
    let third = patiently(waiting.remove(0)).await.unwrap();
    let third = third.run_in_process(same, 3);
    visitor.let_go().await;
    patiently(first).await.unwrap();
    assert_eq!(patiently(third).await.unwrap(), 3);
}

#[procpool::test]
async fn a_cancelled_task_makes_room_for_a_waiting_caller() {
    let (pool, gate, running, _visitor) = busy_pool(1).await;
    let queued = pool.run_in_process(visit, gate.path());
    let mut first = pin!(pool.reserve());
    let mut second = pin!(pool.reserve());
    assert!(futures::poll!(&mut first).is_pending());
    assert!(futures::poll!(&mut second).is_pending());
    drop(queued);
    let first = patiently(first).await.unwrap();
    assert!(futures::poll!(&mut second).is_pending());
    drop(running);
    let second = patiently(second).await.unwrap();
    let tasks = [
        first.run_in_process(same, 1),
        second.run_in_process(same, 2),
    ];
    assert_eq!(patiently(try_join_all(tasks)).await.unwrap(), [1, 2]);
}

#[procpool::test]
async fn a_waiter_that_is_dropped_leaves_its_place_to_the_next() {
    let pool = pool_of(1, 0);
    let permit = patiently(pool.reserve()).await.unwrap();
    let mut leaves = Box::pin(pool.reserve());
    let mut granted = Box::pin(pool.reserve());
    let mut stays = Box::pin(pool.reserve());
    for wait in [&mut leaves, &mut granted, &mut stays] {
        assert!(futures::poll!(wait).is_pending());
    }
    drop(leaves);
    // Now this one has been given the room and has not been polled.
    drop(permit);
    assert!(pool.try_run_in_process(same, 0).is_err());
    drop(granted);
    let permit = patiently(stays).await.unwrap();
    assert_eq!(patiently(permit.run_in_process(same, 4)).await.unwrap(), 4);
}

#[procpool::test]
async fn a_waiter_that_was_never_polled_has_no_place() {
    let pool = pool_of(1, 0);
    let unpolled = pool.reserve();
    let permit = patiently(pool.reserve()).await.unwrap();
    drop(permit);
    drop(unpolled);
    assert!(pool.try_run_in_process(same, 0).is_ok());
}

#[procpool::test]
async fn waiting_callers_get_room_before_new_calls() {
    let (pool, _gate, running, visitor) = busy_pool(0).await;
    let mut wait = pin!(pool.reserve());
    assert!(futures::poll!(&mut wait).is_pending());
    visitor.let_go().await;
    patiently(running).await.unwrap();
    // There is a free worker, but it is reserved.
    assert!(pool.try_run_in_process(same, 0).is_err());
    let permit = patiently(wait).await.unwrap();
    assert!(pool.try_run_in_process(same, 0).is_err());
    assert_eq!(patiently(permit.run_in_process(same, 1)).await.unwrap(), 1);
}

#[procpool::test]
async fn a_permit_stays_valid_when_the_worker_dies() {
    let (pool, gate, running, visitor) = busy_pool(0).await;
    let mut wait = pin!(pool.reserve());
    assert!(futures::poll!(&mut wait).is_pending());
    procpool_tests::kill(visitor.pid);
    assert!(patiently(running).await.unwrap_err().is_worker_exited());
    let permit = patiently(wait).await.unwrap();
    let task = permit.run_in_process(visit, gate.path());
    gate.visitor().await.let_go().await;
    patiently(task).await.unwrap();
}

#[procpool::test]
async fn closing_the_pool_fails_waiting_callers_and_permits() {
    let (pool, _gate, running, visitor) = busy_pool(1).await;
    let permit = patiently(pool.reserve()).await.unwrap();
    let mut wait = pin!(pool.reserve());
    assert!(futures::poll!(&mut wait).is_pending());
    pool.close();
    let closed: PoolClosed = patiently(wait).await.unwrap_err();
    assert_eq!(closed.to_string(), "the pool is closed");
    assert!(patiently(pool.reserve()).await.is_err());
    let task = permit.run_in_process(same, 1);
    assert!(patiently(task).await.unwrap_err().is_pool_closed());
    visitor.let_go().await;
    patiently(running).await.unwrap();
    patiently(pool.shutdown()).await;
}

#[procpool::test]
async fn terminating_the_pool_fails_waiting_callers() {
    let (pool, _gate, running, _visitor) = busy_pool(0).await;
    let mut wait = pin!(pool.reserve());
    assert!(futures::poll!(&mut wait).is_pending());
    patiently(pool.terminate()).await;
    assert!(patiently(wait).await.is_err());
    assert!(patiently(running).await.unwrap_err().is_pool_closed());
}

#[test]
fn the_end_of_the_pools_runtime_fails_callers_that_wait_on_another() {
    let home = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_io()
        .build()
        .unwrap();
    procpool_tests::patiently_on(|builder| builder.enable_all(), {
        move || async move {
            let pool = {
                let _inside = home.enter();
                pool_of(1, 0)
            };
            let permit = patiently(pool.reserve()).await.unwrap();
            let mut wait = pin!(pool.reserve());
            assert!(futures::poll!(&mut wait).is_pending());
            home.shutdown_background();
            assert!(patiently(wait).await.is_err());
            let task = permit.run_in_process(same, 1);
            assert!(patiently(task).await.unwrap_err().is_pool_closed());
        }
    });
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn room_can_be_awaited_on_another_runtime_and_without_one() {
    let (pool, _gate, running, visitor) = busy_pool(0).await;
    let on_another = {
        let pool = pool.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.unwrap().block_on(async {
                let permit = pool.reserve().await.unwrap();
                permit.run_in_process(same, 1).await.unwrap()
            })
        })
    };
    let on_none = {
        let pool = pool.clone();
        std::thread::spawn(move || {
            futures::executor::block_on(async {
                let permit = pool.reserve().await.unwrap();
                permit.run_in_process(same, 2).await.unwrap()
            })
        })
    };
    visitor.let_go().await;
    patiently(running).await.unwrap();
    let joined =
        tokio::task::spawn_blocking(|| (on_another.join().unwrap(), on_none.join().unwrap()));
    assert_eq!(patiently(joined).await.unwrap(), (1, 2));
}

#[procpool::test]
async fn a_permit_keeps_the_pool_open() {
    let pool = pool_of(1, 0);
    let permit = patiently(pool.reserve()).await.unwrap();
    drop(pool);
    assert_eq!(patiently(permit.run_in_process(same, 6)).await.unwrap(), 6);
}

#[procpool::test]
async fn a_permit_has_the_options_of_its_handle() {
    let pool = pool_of(1, 0);
    let hasty = pool.with_timeout(std::time::Duration::from_millis(20));
    let permit = patiently(hasty.reserve()).await.unwrap();
    let gate = Gate::open();
    let task = permit.run_in_process(visit_and_linger, gate.path());
    assert!(patiently(task).await.unwrap_err().is_timed_out());
}

#[procpool::test]
async fn workers_with_a_state_have_room_too() {
    fn count(state: &mut u32, by: u32) -> u32 {
        *state += by;
        *state
    }
    let pool = ProcessPool::builder()
        .workers(1)
        .queue_capacity(0)
        .initializer(|start: u32| start, 10)
        .build()
        .unwrap();
    let permit: Permit<u32> = patiently(pool.reserve()).await.unwrap();
    assert!(pool.try_run_with_state(count, 1).is_err());
    assert_eq!(
        patiently(permit.run_with_state(count, 1)).await.unwrap(),
        11
    );
    let task = pool.try_run_with_state(count, 1).unwrap();
    assert_eq!(patiently(task).await.unwrap(), 12);
}

#[procpool::test]
async fn a_pool_without_a_capacity_always_has_room() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let permits: Vec<_> = (0..1000).map(|_| pool.reserve().now_or_never()).collect();
    assert!(permits.iter().all(Option::is_some));
    assert!(tokio::task::coop::has_budget_remaining());
}

/// Producers wait, give up half-way, and call without waiting. No permit is ever refused, and no room is
/// lost.
#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_concurrent_producers_lose_no_room() {
    const CAPACITY: usize = 3;
    let pool = pool_of(2, CAPACITY);
    let producers = (0..8_u32).map(|producer| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut done = 0;
            for round in 0..100_u32 {
                match (producer + round) % 4 {
                    0 => {
                        // Gives up at the second poll, whether or not it has room by then.
                        let mut wait = Box::pin(pool.reserve());
                        let _ = futures::poll!(&mut wait);
                        tokio::task::yield_now().await;
                    }
                    1 => drop(pool.reserve().await.unwrap()),
                    2 => {
                        if let Ok(task) = pool.try_run_in_process(same, round) {
                            done += u32::from(task.await.unwrap() == round);
                        }
                    }
                    _ => {
                        let permit = pool.reserve().await.unwrap();
                        let result = permit.run_in_process(same, round).await;
                        assert_eq!(result.unwrap(), round);
                        done += 1;
                    }
                }
            }
            done
        })
    });
    let done = patiently(try_join_all(producers)).await;
    assert!(done.unwrap().into_iter().sum::<u32>() >= 200);
    let permits: Vec<_> = (0..2 + CAPACITY)
        .map(|_| pool.reserve().now_or_never().expect("all room is there"))
        .collect();
    assert!(pool.reserve().now_or_never().is_none());
    drop(permits);
}
