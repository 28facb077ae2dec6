//! A program whose workers write very much to their standard error.
//!
//! `noisy flood MIB` lets a worker write that much, and prints the peak of its own memory in KiB.
//! `noisy last` lets a worker write as much as fits into the pipes to the reader, and exit, and reports it.
//! `noisy blocked` expects that nobody reads its standard error: one worker writes until that blocks and is
//! ended by its time limit, while another one keeps working.
#![forbid(unsafe_code)]

use std::io::Write;
use std::time::Duration;

use procpool::ProcessPool;

#[procpool::main]
async fn main() {
    let pool = ProcessPool::builder().workers(2).build().expect("a pool");
    match std::env::args().nth(1).as_deref() {
        Some("flood") => {
            let mebibytes = std::env::args()
                .nth(2)
                .and_then(|count| count.parse::<u64>().ok());
            let bytes = mebibytes.expect("how many MiB") << 20;
            pool.run_in_process(shout, bytes).await.expect("it ends");
            println!("{}", peak_memory());
        }
        Some("last") => {
            let last_words = |bytes| {
                shout(bytes);
                std::process::abort();
            };
            let task: procpool::Task<()> = pool.run_in_process(last_words, 128 << 10);
            assert!(task.await.expect_err("it ends").is_worker_exited());
            println!("ended");
        }
        Some("blocked") => {
            let limited = pool.with_timeout(Duration::from_millis(300));
            let loud = limited.run_in_process(shout, u64::MAX);
            for number in 0..100 {
                let quiet = pool.run_in_process(|x: u32| x + 1, number);
                assert_eq!(quiet.await.expect("it is not disturbed"), number + 1);
            }
            assert!(loud.await.expect_err("it never ends").is_timed_out());
            println!("ended");
        }
        other => panic!("unknown mode {other:?}"),
    }
}

fn shout(bytes: u64) {
    let line =
        [b"a line of sixty-four bytes, which is written again and again...\n".as_slice(); 64];
    let block = line.concat();
    let mut left = bytes;
    while left > 0 {
        std::io::stderr()
            .write_all(&block)
            .expect("someone listens");
        left = left.saturating_sub(block.len() as u64);
    }
}

/// Returns the peak memory of this process, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}
