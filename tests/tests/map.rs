//! One function on many items of an iterator.

use futures::{StreamExt, TryStreamExt};
use procpool::ProcessPool;

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .build()
        .expect("a pool")
}

#[procpool::test]
async fn results_come_in_the_order_of_the_items() {
    let pool = pool_of(2);
    let results: Vec<u64> = pool
        .map(|x: u64| x * x, 0..1000)
        .try_collect()
        .await
        .unwrap();
    assert!(results.into_iter().eq((0..1000).map(|x| x * x)));
}

#[procpool::test]
async fn unordered_results_are_all_there() {
    let pool = pool_of(2);
    let results = pool.map(|x: u64| x + 1, 0..1000).unordered();
    let mut results: Vec<u64> = results.try_collect().await.unwrap();
    results.sort_unstable();
    assert!(results.into_iter().eq(1..=1000));
}

#[procpool::test]
async fn an_iterator_may_be_infinite() {
    let pool = pool_of(2);
    let results = pool.map(|x: u64| x + 1, 0..).take(10);
    let results: Vec<u64> = results.try_collect().await.unwrap();
    assert!(results.into_iter().eq(1..=10));
}
