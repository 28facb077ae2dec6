//! A time limit counts from the start of a task in its worker, however late the parent checks it.
//!
//! In these tests the parent's runtime is blocked while limits pass: it has one thread, which waits outside
//! tokio.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use procpool::{ProcessPool, TaskOptions, TaskState};
use procpool_tests::{patiently, visit};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Longer than a function that returns at once takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(2);

/// A gate whose test side blocks.
struct BlockingGate {
    listener: UnixListener,
    directory: TempDir,
}

impl BlockingGate {
    fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("gate")).unwrap();
        BlockingGate {
            listener,
            directory,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("gate")
    }

    fn visitor(&self) -> UnixStream {
        let mut polled = [PollFd::new(&self.listener, PollFlags::IN)];
        let limit = Timespec {
            tv_sec: 60,
            tv_nsec: 0,
        };
        assert_ne!(poll(&mut polled, Some(&limit)).unwrap(), 0, "nobody comes");
        let (mut visitor, _) = self.listener.accept().unwrap();
        visitor
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        visitor.read_exact(&mut [0; 4]).unwrap();
        visitor
    }
}

/// Waits until the limit of earlier tasks has passed. This test needs the time itself to pass.
fn outlast_the_limit() {
    thread::sleep(LIMIT + Duration::from_millis(1));
}

/// Waits until the pool has checked all limits that have passed. Its workers must be busy.
async fn all_limits_are_looked_at(pool: &ProcessPool) {
    let hasty = pool.with(TaskOptions::new().queue_timeout(Duration::ZERO));
    let error = patiently(hasty.run_in_process(|()| (), ())).await;
    assert!(error.unwrap_err().is_timed_out());
}

/// A pool whose one worker is idle, so that a call dispatches its task at once.
async fn pool_of_one() -> (ProcessPool, u32) {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let worker = patiently(pool.run_in_process(|()| std::process::id(), ())).await;
    (pool, worker.unwrap())
}

/// Stops a worker.
fn stop(worker: u32) -> Pid {
    let pid = Pid::from_raw(i32::try_from(worker).unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let is_stopped = || {
        let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
        status.contains("\nState:\tT")
    };
    while !is_stopped() {
        thread::yield_now();
    }
    pid
}

#[procpool::test(flavor = "current_thread")]
async fn a_limit_counts_from_the_start_of_the_run_and_not_from_the_dispatch() {
    let gate = BlockingGate::open();
    let (pool, worker) = pool_of_one().await;
    let stopped = stop(worker);
    let task = pool.with_timeout(LIMIT).run_in_process(visit, gate.path());
    assert_eq!(task.state(), TaskState::Queued, "nobody has begun it");
    outlast_the_limit();
    kill_process(stopped, Signal::CONT).unwrap();
    let mut visitor = gate.visitor();
    assert_eq!(task.state(), TaskState::Running);
    all_limits_are_looked_at(&pool).await;
    visitor.write_all(&[1]).unwrap();
    assert_eq!(patiently(task).await.unwrap(), worker);
}

/// More than a socket buffer holds, so that it is written only while the parent reads.
const LARGE: usize = 16 << 20;

fn visit_and_return_much(gate: PathBuf) -> String {
    let _ = visit(gate);
    "x".repeat(LARGE)
}

#[procpool::test(flavor = "current_thread")]
async fn a_result_that_was_ready_in_time_is_not_lost_to_a_parent_that_reads_it_late() {
    let gate = BlockingGate::open();
    let (pool, worker) = pool_of_one().await;
    let task = pool
        .with_timeout(LIMIT)
        .run_in_process(visit_and_return_much, gate.path());
    let mut visitor = gate.visitor();
    visitor.write_all(&[1]).unwrap();
    // It sends the result when it returns.
    assert_eq!(visitor.read(&mut [0]).unwrap(), 0);
    outlast_the_limit();
    // So more is to be read than has been written.
    let stopped = stop(worker);
    all_limits_are_looked_at(&pool).await;
    kill_process(stopped, Signal::CONT).unwrap();
    let result = patiently(task).await.unwrap();
    assert_eq!(result.len(), LARGE);
}

#[procpool::test(flavor = "current_thread")]
async fn a_function_that_runs_on_while_the_parent_is_blocked_is_killed_afterwards() {
    let gate = BlockingGate::open();
    let (pool, _) = pool_of_one().await;
    let task = pool.with_timeout(LIMIT).run_in_process(visit, gate.path());
    let mut visitor = gate.visitor();
    outlast_the_limit();
    assert!(patiently(task).await.unwrap_err().is_timed_out());
    // When the error is reported, the work has stopped.
    assert_eq!(visitor.read(&mut [0]).unwrap(), 0);
}
