//! A program whose workers take longer to reach `procpool::init()` than the time limit of its tasks. It
//! asserts that the start of a worker does not count as running time.

use std::thread;
use std::time::Duration;

use procpool::ProcessPool;

const START: Duration = Duration::from_millis(900);
const LIMIT: Duration = Duration::from_millis(600);

fn main() {
    // The program itself is started without arguments; its workers have some.
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
    // The start of a replacement does not count either.
    let death = pool.run_in_process(die, ());
    let task = pool.with_timeout(LIMIT).run_in_process(|()| 8, ());
    assert!(death.await.is_err_and(|error| error.is_worker_exited()));
    assert_eq!(task.await.expect("no limit has passed"), 8);
    pool.shutdown().await;
}

fn die((): ()) {
    std::process::abort()
}
