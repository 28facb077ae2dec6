//! Bytes whose owner's `Drop` uses the pool: it runs in this process, when no task needs the bytes any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use procpool::ProcessPool;
use procpool_tests::{patiently, patiently_on};

/// Owns some bytes. When it is dropped it uses a pool, and counts that.
struct Owner {
    bytes: Vec<u8>,
    pool: ProcessPool,
    drops: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // It takes the pool's lock.
        self.pool.cancel_queued();
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

fn pool() -> ProcessPool {
    ProcessPool::builder().workers(1).build().expect("a pool")
}

fn owned(pool: &ProcessPool) -> (Bytes, Arc<AtomicUsize>) {
    let drops = Arc::new(AtomicUsize::new(0));
    let owner = Owner {
        bytes: vec![7; 1 << 20],
        pool: pool.clone(),
        drops: Arc::clone(&drops),
    };
    (Bytes::from_owner(owner), drops)
}

fn length(bytes: Bytes) -> usize {
    bytes.len()
}

fn linger(_: Bytes) {
    loop {
        std::thread::park();
    }
}

#[procpool::test(flavor = "multi_thread")]
async fn the_owner_of_arguments_may_use_the_pool_when_the_task_has_returned() {
    let pool = pool();
    let (bytes, drops) = owned(&pool);
    let len = patiently(pool.run_in_process(length, bytes)).await.unwrap();
    assert_eq!(len, 1 << 20);
    patiently(pool.shutdown()).await;
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn the_owner_of_arguments_may_use_the_pool_when_the_task_is_cancelled() {
    patiently_on(
        |builder| builder.enable_all(),
        || async {
            let pool = pool();
            let (bytes, drops) = owned(&pool);
            drop(pool.run_in_process(linger, bytes));
            pool.shutdown().await;
            assert_eq!(drops.load(Ordering::Relaxed), 1);
        },
    );
}

#[test]
fn the_owner_of_arguments_may_use_the_pool_when_a_broadcast_has_failed() {
    fn fail(_: Bytes) {
        panic!("it fails");
    }
    patiently_on(
        |builder| builder.enable_all(),
        || async {
            let pool = pool();
            pool.warm_up().await.unwrap();
            let (bytes, drops) = owned(&pool);
            assert!(pool.broadcast(fail, bytes).await.is_err());
            pool.shutdown().await;
            assert_eq!(drops.load(Ordering::Relaxed), 1);
        },
    );
}
