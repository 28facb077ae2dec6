//! The items of one call, as they are produced.

use std::path::PathBuf;
use std::process::abort;
use std::time::Duration;

use futures::{FutureExt, StreamExt, TryStreamExt};
use procpool::ProcessPool;
use procpool_tests::{Gate, Log, note, patiently, visit};

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .build()
        .expect("a pool")
}

/// The greatest number of items that a worker produces ahead.
const AHEAD: usize = 128;

fn count(to: u64) -> impl Iterator<Item = u64> {
    0..to
}

#[procpool::test]
async fn items_arrive_in_order() {
    let pool = pool_of(1);
    for many in [0, 1, 127, 128, 129, 20_000] {
        let items: Vec<u64> = patiently(pool.run_stream(count, many).try_collect())
            .await
            .unwrap();
        assert!(items.into_iter().eq(0..many), "of {many}");
    }
}

#[procpool::test]
async fn an_item_arrives_before_the_next_one_is_produced() {
    let pool = pool_of(1);
    let gate = Gate::open();
    let function = |gate: PathBuf| {
        (0..3).map(move |number| match number {
            1 => visit(gate.clone()),
            number => number,
        })
    };
    let mut items = pool.run_stream(function, gate.path());
    let visitor = gate.visitor().await;
    assert_eq!(patiently(items.next()).await.unwrap().unwrap(), 0);
    let pid = visitor.pid;
    visitor.let_go().await;
    assert_eq!(patiently(items.next()).await.unwrap().unwrap(), pid);
    assert_eq!(patiently(items.next()).await.unwrap().unwrap(), 2);
    assert!(patiently(items.next()).await.is_none());
}

/// The sooner an item is produced, the longer the worker would hold it back; then it could not write it.
#[procpool::test]
async fn an_item_does_not_wait_for_a_slow_next_one() {
    let pool = pool_of(1);
    let gate = Gate::open();
    let function = |gate: PathBuf| {
        (0..2_u32).map(move |number| match number {
            0 => number,
            _ => visit(gate.clone()),
        })
    };
    for _ in 0..100 {
        let mut items = pool.run_stream(function, gate.path());
        let visitor = gate.visitor().await;
        assert_eq!(patiently(items.next()).await.unwrap().unwrap(), 0);
        visitor.let_go().await;
        assert!(patiently(items.next()).await.unwrap().is_ok());
        assert!(patiently(items.next()).await.is_none());
    }
}

fn note_each(log: PathBuf) -> impl Iterator<Item = u32> {
    (0..).inspect(move |_| note(&log, "made"))
}

/// Waits until the worker has produced all items that it may.
async fn made(log: &Log, items: usize) {
    patiently(async {
        while log.lines().len() < items {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[procpool::test]
async fn the_worker_produces_a_limited_number_of_items_ahead() {
    let pool = pool_of(1);
    let log = Log::open();
    let mut items = pool.run_stream(note_each, log.path());
    made(&log, AHEAD).await;
    for number in 0..1000 {
        assert_eq!(patiently(items.next()).await.unwrap().unwrap(), number);
        let made = log.lines().len();
        assert!(made <= number as usize + 1 + AHEAD, "{made} at {number}");
    }
}

#[procpool::test]
async fn dropping_the_stream_while_the_worker_waits_ends_the_iteration() {
    let pool = pool_of(1);
    let log = Log::open();
    let mut items = pool.run_stream(note_each, log.path());
    for number in 0..AHEAD as u32 {
        assert_eq!(patiently(items.next()).await.unwrap().unwrap(), number);
    }
    // Half of them have been allowed again, and then the other half.
    made(&log, 2 * AHEAD).await;
    drop(items);
    // It runs after the stream on the only worker.
    assert_eq!(patiently(pool.run_in_process(|()| 7, ())).await.unwrap(), 7);
    assert_eq!(log.lines().len(), 2 * AHEAD);
    patiently(pool.shutdown()).await;
}

#[procpool::test]
async fn dropping_the_stream_kills_a_computing_worker() {
    let pool = pool_of(1);
    let gate = Gate::open();
    let items = pool.run_stream(
        |gate: PathBuf| std::iter::once_with(|| visit(gate)),
        gate.path(),
    );
    let visitor = gate.visitor().await;
    drop(items);
    visitor.gone().await;
    assert_eq!(patiently(pool.run_in_process(|()| 7, ())).await.unwrap(), 7);
}

#[procpool::test]
async fn dropping_the_stream_kills_a_function_that_has_not_returned_its_iterator() {
    let pool = pool_of(1);
    let gate = Gate::open();
    let items = pool.run_stream(|gate: PathBuf| vec![visit(gate)], gate.path());
    let visitor = gate.visitor().await;
    drop(items);
    visitor.gone().await;
}

#[procpool::test]
async fn dropping_the_stream_of_a_queued_call_means_that_it_never_runs() {
    let pool = pool_of(1);
    let gate = Gate::open();
    let first = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let log = Log::open();
    drop(pool.run_stream(note_each, log.path()));
    visitor.let_go().await;
    first.await.unwrap();
    assert_eq!(pool.run_in_process(|()| 7, ()).await.unwrap(), 7);
    assert!(log.lines().is_empty());
}

#[procpool::test]
async fn a_panic_half_way_is_given_after_the_items_before_it() {
    let pool = pool_of(1);
    let function = |()| (0..10).inspect(|&number: &u32| assert_ne!(number, 3, "the third"));
    let items: Vec<_> = patiently(pool.run_stream(function, ()).collect()).await;
    assert_eq!(items.len(), 4);
    assert!(items[..3].iter().all(Result::is_ok));
    assert!(
        items[3]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("the third")
    );
    let whole = pool.run_stream(count, 3).try_collect::<Vec<_>>();
    assert_eq!(patiently(whole).await.unwrap(), [0, 1, 2]);
}

#[procpool::test]
async fn a_death_half_way_is_given_after_the_items_before_it() {
    let pool = pool_of(1);
    let function = |()| {
        (0..10).inspect(|&number: &u32| {
            if number == 3 {
                abort();
            }
        })
    };
    let items: Vec<_> = patiently(pool.run_stream(function, ()).collect()).await;
    assert_eq!(items.len(), 4);
    assert!(items[..3].iter().all(Result::is_ok));
    assert!(items[3].as_ref().unwrap_err().is_worker_exited());
}

#[procpool::test]
async fn a_function_that_panics_gives_one_error() {
    let pool = pool_of(1);
    let function = |number: u64| -> Vec<u64> { panic!("no items for {number}") };
    let items: Vec<_> = patiently(pool.run_stream(function, 1).collect()).await;
    assert_eq!(items.len(), 1);
    assert!(
        items[0]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("no items for 1")
    );
}

#[procpool::test]
async fn the_time_limit_covers_the_whole_call() {
    let pool = pool_of(1).with_timeout(Duration::from_millis(50));
    let function = |()| {
        std::iter::repeat_with(|| {
            loop {
                std::hint::spin_loop();
            }
        })
    };
    let mut items = pool.run_stream::<(), _, ()>(function, ());
    assert!(
        patiently(items.next())
            .await
            .unwrap()
            .unwrap_err()
            .is_timed_out()
    );
    assert!(patiently(items.next()).await.is_none());
}

#[procpool::test]
async fn a_closed_pool_gives_one_error() {
    let pool = pool_of(1);
    pool.close();
    let mut items = pool.run_stream(count, 3);
    assert!(
        patiently(items.next())
            .await
            .unwrap()
            .unwrap_err()
            .is_pool_closed()
    );
    assert!(patiently(items.next()).await.is_none());
}

#[procpool::test]
async fn a_terminated_pool_ends_the_stream() {
    let pool = pool_of(1);
    let gate = Gate::open();
    let mut items = pool.run_stream(|gate: PathBuf| vec![visit(gate)], gate.path());
    let visitor = gate.visitor().await;
    assert!(items.next().now_or_never().is_none());
    patiently(pool.terminate()).await;
    visitor.gone().await;
    assert!(
        patiently(items.next())
            .await
            .unwrap()
            .unwrap_err()
            .is_pool_closed()
    );
    assert!(patiently(items.next()).await.is_none());
}

#[procpool::test]
async fn tasks_behind_a_stream_run_after_it() {
    let pool = pool_of(1);
    let mut items = pool.run_stream(count, 1000);
    assert_eq!(patiently(items.next()).await.unwrap().unwrap(), 0);
    let tasks: Vec<_> = (0..20)
        .map(|x: u64| pool.run_in_process(|x| x, x))
        .collect();
    assert_eq!(patiently(items.count()).await, 999);
    for (x, task) in (0..).zip(tasks) {
        assert_eq!(patiently(task).await.unwrap(), x);
    }
}
