//! A task that has finished and whose result is on its way is not killed any more.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use procpool::ProcessPool;
use procpool_tests::{patiently, visit};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

fn visit_if_told(gate: Option<PathBuf>) -> bool {
    gate.map(visit).is_some()
}

#[procpool::test(flavor = "current_thread")]
async fn a_late_cancellation_does_not_kill_the_task_that_runs_next() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    patiently(async { while !a_cancel_came_after_the_end(&pool).await {} }).await;
}

/// Returns false if the second task was not prefetched: a busy machine makes the function seem long.
async fn a_cancel_came_after_the_end(pool: &ProcessPool) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let gate = directory.path().join("gate");
    let listener = UnixListener::bind(&gate).unwrap();
    // The function is known to be short, so its tasks are prefetched.
    for _ in 0..50 {
        let short = pool.run_in_process(visit_if_told, None);
        short.await.unwrap();
    }
    let first = pool.run_in_process(visit_if_told, None);
    let second = pool.run_in_process(visit_if_told, Some(gate));
    // This blocks the only thread of the runtime, so the first result is not read.
    let mut polled = [PollFd::new(&listener, PollFlags::IN)];
    let limit = Timespec {
        tv_sec: 2,
        tv_nsec: 0,
    };
    if poll(&mut polled, Some(&limit)).unwrap() == 0 {
        return false;
    }
    let (visitor, _) = listener.accept().unwrap();
    drop(first);
    tokio::task::yield_now().await;
    std::io::Write::write_all(&mut &visitor, &[1]).unwrap();
    assert!(second.await.unwrap());
    true
}
