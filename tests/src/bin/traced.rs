//! A program with a pool, to be run under a debugger, Valgrind or QEMU.
//!
//! It calls [`landmark`] before and after the pool is built and prints one line when all results were right.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::Duration;

use procpool::{ProcessPool, SharedBytes};
use procpool_tests::patiently;

/// A debugger stops here.
#[inline(never)]
fn landmark(number: u32) -> u32 {
    black_box(number)
}

#[procpool::main(flavor = "current_thread")]
async fn main() {
    landmark(0);
    // Under Valgrind, on a busy machine, a worker needs seconds to start.
    let pool = ProcessPool::builder()
        .workers(2)
        .startup_timeout(Duration::from_secs(60))
        .build()
        .expect("a pool");
    let bytes = SharedBytes::with_len(1 << 20, |buffer| buffer.fill(3));
    for number in 1..=3 {
        landmark(number);
        let double = pool.run_in_process(|number: u32| 2 * number, number);
        assert_eq!(patiently(double).await.expect("a result"), 2 * number);
        let sum = |bytes: SharedBytes| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
        let sum = pool.run_in_process(sum, bytes.clone());
        assert_eq!(patiently(sum).await.expect("a result"), 3 << 20);
    }
    patiently(pool.shutdown()).await;
    landmark(4);
    println!("all results were right");
}
