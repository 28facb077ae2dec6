//! One function on many items of a stream.

use std::task::Poll;

use futures::channel::mpsc;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use procpool::{ProcessPool, ProcessStreamExt};
use procpool_tests::patiently;

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .build()
        .expect("a pool")
}

fn double(x: u64) -> u64 {
    2 * x
}

#[procpool::test]
async fn the_items_of_a_stream_are_mapped_in_order() {
    let pool = pool_of(2);
    let items = stream::iter(0..1000).then(async |number| {
        if number % 7 == 0 {
            tokio::task::yield_now().await;
        }
        number
    });
    let results: Vec<u64> = patiently(items.map_in_process(&pool, double).try_collect())
        .await
        .unwrap();
    assert!(results.into_iter().eq((0..1000).map(double)));
}

#[procpool::test]
async fn an_item_is_not_held_back_until_a_chunk_is_full() {
    let pool = pool_of(1);
    let (mut sender, receiver) = mpsc::unbounded();
    let mut map = receiver.map_in_process(&pool, double).chunk_size(1000);
    for number in 0..5 {
        sender.start_send(number).unwrap();
        assert_eq!(patiently(map.next()).await.unwrap().unwrap(), 2 * number);
    }
    drop(sender);
    assert!(patiently(map.next()).await.is_none());
}

#[procpool::test]
async fn a_full_map_slows_down_its_source() {
    let pool = pool_of(2);
    let mut pulled = 0_u64;
    let source = stream::poll_fn(|_| {
        pulled += 1;
        Poll::Ready(Some(pulled))
    });
    let mut map = source.map_in_process(&pool, double).buffer(6);
    assert_eq!(patiently(map.next()).await.unwrap().unwrap(), 2);
    assert_eq!(patiently(map.next()).await.unwrap().unwrap(), 4);
    drop(map);
    assert!(pulled <= 2 + 6, "{pulled} were pulled");
}

#[procpool::test]
async fn a_map_is_the_source_of_another() {
    let pool = pool_of(2);
    let first = pool.map(double, 0..100).map(Result::unwrap);
    let results = first.map_in_process(&pool, double).unordered();
    let mut results: Vec<u64> = patiently(results.try_collect()).await.unwrap();
    results.sort_unstable();
    assert!(results.into_iter().eq((0..100).map(|x| 4 * x)));
}

#[procpool::test]
async fn a_stream_with_state() {
    let builder = ProcessPool::builder().workers(1);
    let pool = builder.initializer(|first: u64| first, 10).build().unwrap();
    let map = stream::iter(0..3).map_in_process_with_state(&pool, |state, x: u64| *state + x);
    let results: Vec<u64> = patiently(map.try_collect()).await.unwrap();
    assert_eq!(results, [10, 11, 12]);
}

#[procpool::test]
async fn dropping_a_map_half_way_drops_the_source() {
    let pool = pool_of(1);
    let (mut sender, receiver) = mpsc::channel(0);
    sender.try_send(1).unwrap();
    let mut map = receiver.map_in_process(&pool, double);
    assert_eq!(patiently(map.next()).await.unwrap().unwrap(), 2);
    assert!(map.next().now_or_never().is_none());
    drop(map);
    assert!(sender.is_closed());
    patiently(pool.shutdown()).await;
}
