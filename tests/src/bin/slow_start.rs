//! A program whose workers take their time before `procpool::init()`: more than the time limit of
//! its tasks. That their start-up is not charged to them is what it asserts.

use std::thread;
use std::time::Duration;

use procpool::ProcessPool;

const START: Duration = Duration::from_millis(900);
const LIMIT: Duration = Duration::from_millis(600);

fn main() {
    // The program is started without arguments, its workers never are.
    if std::env::args_os().len() > 1 {
        thread::sleep(START);
    }
    procpool::init();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let began = std::time::Instant::now();
    let pool = ProcessPool::builder().workers(1).build().expect("a pool");
    let task = pool.with_timeout(LIMIT).run_in_process(|()| 7, ());
    assert_eq!(task.await.expect("no limit has passed"), 7);
    assert!(began.elapsed() >= START, "the start was not slow");
    // Nor is the start of a replacement.
    let death = pool.run_in_process(die, ());
    let task = pool.with_timeout(LIMIT).run_in_process(|()| 8, ());
    assert!(death.await.is_err_and(|error| error.is_worker_exited()));
    assert_eq!(task.await.expect("no limit has passed"), 8);
    pool.shutdown().await;
}

fn die((): ()) {
    std::process::abort()
}
