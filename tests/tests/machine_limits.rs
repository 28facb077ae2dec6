//! Limits of CPU time and memory, and replacement of workers by age and growth.

use std::collections::HashSet;
use std::time::Duration;

use procpool::{ProcessPool, TaskError, TaskOptions};
use procpool_tests::patiently;

fn spin(_: ()) {
    loop {
        std::hint::spin_loop();
    }
}

fn fill(bytes: usize) -> usize {
    let memory = std::hint::black_box(vec![1_u8; bytes]);
    memory.len()
}

fn pid(_: ()) -> u32 {
    std::process::id()
}

fn exceeded(error: TaskError) -> procpool::LimitExceeded {
    match error {
        TaskError::LimitExceeded(exceeded) => exceeded,
        other => panic!("{other}"),
    }
}

#[procpool::test]
async fn a_task_that_exceeds_its_cpu_time_gives_limit_exceeded() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let limit = Duration::from_millis(50);
    let strict = pool.with(TaskOptions::new().cpu_time_limit(limit).retries(3));
    let error = exceeded(
        patiently(strict.run_in_process(spin, ()))
            .await
            .unwrap_err(),
    );
    assert_eq!(error.cpu_time_limit(), Some(limit));
    assert_eq!(error.memory_limit(), None);
    assert_eq!(error.exit().signal(), Some(24));
    assert_eq!(error.exit().attempts(), 1, "it was not run again");
    assert!(error.to_string().contains("50ms of CPU time"), "{error}");
    patiently(pool.run_in_process(pid, ())).await.unwrap();
}

#[procpool::test]
async fn cpu_time_of_all_threads_counts_and_waiting_does_not() {
    fn wait(_: ()) {
        std::thread::sleep(Duration::from_millis(300));
    }
    fn spin_elsewhere(_: ()) {
        std::thread::spawn(|| spin(())).join().unwrap();
    }
    let pool = ProcessPool::builder()
        .workers(1)
        .cpu_time_limit(Duration::from_millis(100))
        .build()
        .unwrap();
    patiently(pool.run_in_process(wait, ())).await.unwrap();
    let error = patiently(pool.run_in_process(spin_elsewhere, ())).await;
    assert!(error.unwrap_err().is_limit_exceeded());
}

/// Uses this many milliseconds of CPU time.
fn spin_for(millis: u64) {
    let clock = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let times: Vec<u64> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse().unwrap())
            .collect();
        (times[0] + times[1]) * 10
    };
    let begin = clock();
    while clock() < begin + millis {}
}

#[procpool::test]
async fn each_task_has_a_cpu_time_limit_of_its_own() {
    let pool = ProcessPool::builder()
        .workers(1)
        .cpu_time_limit(Duration::from_millis(500))
        .build()
        .unwrap();
    let first = patiently(pool.run_in_process(pid, ())).await.unwrap();
    for _ in 0..6 {
        patiently(pool.run_in_process(spin_for, 150)).await.unwrap();
    }
    assert_eq!(
        patiently(pool.run_in_process(pid, ())).await.unwrap(),
        first
    );
}

#[procpool::test]
async fn a_tasks_own_cpu_time_limit_is_removed_after_it() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let strict = pool.with(TaskOptions::new().cpu_time_limit(Duration::from_millis(200)));
    let first = patiently(strict.run_in_process(pid, ())).await.unwrap();
    patiently(pool.run_in_process(spin_for, 500)).await.unwrap();
    let last = patiently(pool.run_in_process(pid, ())).await.unwrap();
    assert_eq!(last, first);
}

/// The backtrace of a failed allocation comes after the message by which the pool recognises it, and is longer than
/// the visible end of a worker's standard error.
#[procpool::test]
async fn a_failed_allocation_is_recognised_before_a_long_backtrace() {
    #[inline(never)]
    fn deeper(levels: usize) -> usize {
        match levels {
            0 => fill(1 << 30),
            _ => std::hint::black_box(deeper(levels - 1)) + 1,
        }
    }
    let pool = ProcessPool::builder()
        .workers(1)
        .memory_limit(256 << 20)
        .env("RUST_BACKTRACE", "full")
        .build()
        .unwrap();
    let error = patiently(pool.run_in_process(deeper, 90))
        .await
        .unwrap_err();
    let error = exceeded(error);
    assert_eq!(error.memory_limit(), Some(256 << 20));
    assert!(!error.exit().stderr_tail().contains("memory allocation of"));
}

#[procpool::test]
async fn an_allocation_beyond_the_memory_limit_fails_that_task_alone() {
    let limit = 256 << 20;
    let pool = ProcessPool::builder()
        .workers(1)
        .memory_limit(limit)
        .build()
        .unwrap();
    assert_eq!(
        patiently(pool.run_in_process(fill, 64 << 20))
            .await
            .unwrap(),
        64 << 20
    );
    let error = exceeded(
        patiently(pool.run_in_process(fill, 1 << 30))
            .await
            .unwrap_err(),
    );
    assert_eq!(error.memory_limit(), Some(limit));
    assert_eq!(error.cpu_time_limit(), None);
    assert_eq!(
        patiently(pool.run_in_process(fill, 64 << 20))
            .await
            .unwrap(),
        64 << 20
    );
}

/// Uses memory that the limit on allocations does not count.
#[procpool::test]
async fn shared_memory_beyond_the_limit_gives_limit_exceeded() {
    fn share(_: ()) {
        let mut pages = Vec::new();
        // The system limits the number of mappings of a process.
        while let Ok((page, _)) = procpool_os::ControlPage::create() {
            // Most of a page does not exist until something is written to it.
            let written = page
                .spool_writer()
                .map(|mut spool| spool.push(&[&[1; 60_000]]));
            assert_eq!(written, Some(true));
            pages.push(page);
        }
        loop {
            std::thread::park();
        }
    }
    let limit = 64 << 20;
    let pool = ProcessPool::builder()
        .workers(1)
        .memory_limit(limit)
        .build()
        .unwrap();
    let first = patiently(pool.run_in_process(pid, ())).await.unwrap();
    let retrying = pool.with(TaskOptions::new().retries(3));
    let error = exceeded(
        patiently(retrying.run_in_process(share, ()))
            .await
            .unwrap_err(),
    );
    assert_eq!(error.memory_limit(), Some(limit));
    assert_eq!(error.exit().pid(), first);
    assert_eq!(error.exit().attempts(), 1, "it was not run again");
    let next = patiently(pool.run_in_process(pid, ())).await.unwrap();
    assert_ne!(next, first);
}

#[procpool::test]
async fn a_tasks_own_memory_limit_is_removed_after_it() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let strict = pool.with(TaskOptions::new().memory_limit(64 << 20));
    let before = patiently(strict.run_in_process(pid, ())).await.unwrap();
    assert_eq!(
        patiently(pool.run_in_process(fill, 256 << 20))
            .await
            .unwrap(),
        256 << 20
    );
    assert_eq!(
        patiently(pool.run_in_process(pid, ())).await.unwrap(),
        before
    );
    let error = exceeded(
        patiently(strict.run_in_process(fill, 256 << 20))
            .await
            .unwrap_err(),
    );
    assert_eq!(error.memory_limit(), Some(64 << 20));
}

#[procpool::test]
async fn an_abort_within_the_limits_is_not_taken_for_a_failed_allocation() {
    let pool = ProcessPool::builder()
        .workers(1)
        .memory_limit(1 << 30)
        .cpu_time_limit(Duration::from_secs(60))
        .build()
        .unwrap();
    let task: procpool::Task<()> = pool.run_in_process(|()| std::process::abort(), ());
    assert!(patiently(task).await.unwrap_err().is_worker_exited());
}

#[procpool::test]
async fn a_leaking_worker_is_replaced_without_a_failed_task() {
    fn leak(_: ()) -> u32 {
        std::mem::forget(vec![1_u8; 8 << 20]);
        std::process::id()
    }
    let pool = ProcessPool::builder()
        .workers(1)
        .max_worker_growth(24 << 20)
        .build()
        .unwrap();
    let mut pids = HashSet::new();
    while pids.len() < 3 {
        // Long enough that the memory is checked now and then.
        pids.insert(patiently(pool.run_in_process(leak, ())).await.unwrap());
    }
}

#[procpool::test]
async fn old_workers_are_replaced_without_a_failed_task() {
    let age = Duration::from_millis(100);
    let pool = ProcessPool::builder()
        .workers(2)
        .max_worker_age(age)
        .build()
        .unwrap();
    let mut pids = HashSet::new();
    while pids.len() < 6 {
        pids.insert(patiently(pool.run_in_process(pid, ())).await.unwrap());
    }
}

#[procpool::test]
async fn a_running_task_reports_its_progress() {
    fn work(gate: std::path::PathBuf) {
        procpool::worker::set_progress(3, 7);
        let _ = procpool_tests::visit(gate);
    }
    let gate = procpool_tests::Gate::open();
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let task = pool.run_in_process(work, gate.path());
    let queued = pool.run_in_process(pid, ());
    let visitor = gate.visitor().await;
    assert_eq!(task.progress(), Some((3, 7)));
    assert_eq!(queued.progress(), None);
    visitor.let_go().await;
    patiently(queued).await.unwrap();
    assert_eq!(task.progress(), None, "it is over");
    patiently(task).await.unwrap();
    procpool::worker::set_progress(1, 2); // and nothing happens
}

#[procpool::test]
async fn limits_too_low_for_any_worker_are_refused() {
    let tiny = ProcessPool::builder()
        .memory_limit(4096)
        .build()
        .unwrap_err()
        .to_string();
    assert!(
        tiny.contains("memory_limit") && tiny.contains("8 MiB"),
        "{tiny}"
    );
    let young = ProcessPool::builder()
        .max_worker_age(Duration::ZERO)
        .build();
    assert!(young.unwrap_err().to_string().contains("max_worker_age"));
}
