//! Workers that look for their next task before they sleep.

use std::fs;
use std::time::Duration;

use procpool::ProcessPool;
use procpool_tests::patiently;

/// Whether the process sleeps; proc_pid_stat(5).
fn sleeps(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is alive");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
    fields.starts_with('S')
}

/// Makes so many calls, one after the other, and gives the worker of the last.
async fn calls(pool: &ProcessPool, times: u32) -> u32 {
    let mut pid = 0;
    for _ in 0..times {
        pid = patiently(pool.run_in_process(|()| std::process::id(), ()))
            .await
            .expect("it returns");
    }
    pid
}

#[procpool::test]
async fn a_worker_without_tasks_sleeps() {
    for spin in [Duration::ZERO, Duration::from_micros(50), Duration::MAX] {
        let pool = ProcessPool::builder()
            .workers(1)
            .spin(spin)
            .build()
            .expect("a pool");
        let pid = calls(&pool, 100).await;
        patiently(async {
            while !sleeps(pid) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}
