//! Workers that spin for their next task before they sleep.

use std::fs;
use std::time::Duration;

use procpool::ProcessPool;
use procpool_tests::patiently;

/// Returns whether the process sleeps; see `proc_pid_stat(5)`.
fn sleeps(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is alive");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
    fields.starts_with('S')
}

/// Makes this many calls, one after the other, and returns the worker of the last one.
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

/// The worker waits a moment for a parent that is awake to take a result from memory. Here none is awake.
#[procpool::test]
async fn a_result_that_is_not_polled_for_arrives_too() {
    let pool = ProcessPool::builder()
        .workers(1)
        .spin(Duration::MAX)
        .build()
        .expect("a pool");
    for _ in 0..20 {
        // By then the function is known to be short, and the worker spins, if a processor is free.
        calls(&pool, 20).await;
        let task = pool.run_in_process(|()| std::process::id(), ());
        patiently(async {
            while !task.is_finished() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        task.await.expect("it returns");
    }
}

async fn all_come(workers: usize) {
    let pool = ProcessPool::builder()
        .workers(workers)
        .spin(Duration::from_micros(50))
        .build()
        .expect("a pool");
    fn text((number, len): (u32, usize)) -> String {
        format!("{number:>len$}")
    }
    for round in 0..300_u32 {
        // Single results are taken from shared memory; several at once come through the socket; and some are too
        // large for the shared memory.
        let burst = [1, 1, 2, 1, 40, 1, 1, 300][round as usize % 8];
        let len = if round % 50 == 49 { 65_000 } else { 12 };
        let tasks: Vec<_> = (0..burst)
            .map(|number| pool.run_in_process(text, (round * 1000 + number, len)))
            .collect();
        for (number, task) in (0..).zip(tasks) {
            let result = patiently(task).await.expect("it returns");
            assert!(result == text((round * 1000 + number, len)));
        }
    }
}

#[procpool::test(flavor = "current_thread")]
async fn results_are_complete_from_the_socket_and_from_shared_memory() {
    all_come(1).await;
}

#[procpool::test(flavor = "multi_thread", worker_threads = 3)]
async fn results_are_complete_whichever_thread_reads_them() {
    all_come(1).await;
    all_come(2).await;
}
