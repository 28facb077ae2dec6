//! A worker that is stopped and never starts the task that it was sent.

use procpool::ProcessPool;
use procpool_tests::patiently;
use rustix::process::{Pid, Signal, kill_process};

#[procpool::test]
async fn a_task_without_a_limit_does_not_wait_for_a_stopped_worker() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let pid = |()| std::process::id();
    let first = patiently(pool.run_in_process(pid, ())).await.unwrap();
    let process = Pid::from_raw(i32::try_from(first).unwrap()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    let second = patiently(pool.run_in_process(pid, ())).await.unwrap();
    assert_ne!(first, second);
}
