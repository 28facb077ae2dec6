//! Retrying a task, only after its worker has died.

use std::path::PathBuf;
use std::process;
use std::time::Duration;

use procpool::{ProcessPool, TaskError, TaskOptions, TaskState};
use procpool_tests::{Gate, Log, lines, note, patiently, visit, visit_and_linger};

fn pool_with_retries(count: u32) -> ProcessPool {
    let pool = ProcessPool::builder().workers(1).build().expect("a pool");
    pool.with(TaskOptions::new().retries(count))
}

/// Writes its pid to the log, and aborts the first `deaths` times. Returns how often it has run.
fn die_at_first((log, deaths): (PathBuf, usize)) -> usize {
    note(&log, &process::id().to_string());
    let runs = lines(&log).len();
    if runs <= deaths {
        process::abort();
    }
    runs
}

#[procpool::test]
async fn a_task_that_kills_its_worker_runs_again_in_another_one() {
    let log = Log::open();
    let pool = pool_with_retries(2);
    let task = pool.run_in_process(die_at_first, (log.path(), 2));
    assert_eq!(patiently(task).await.unwrap(), 3);
    let mut pids = log.lines();
    assert_eq!(pids.len(), 3);
    pids.sort();
    pids.dedup();
    assert_eq!(pids.len(), 3, "it ran in a worker that was dead");
}

#[procpool::test]
async fn a_task_that_kills_more_workers_than_its_retries_fails() {
    let log = Log::open();
    let pool = pool_with_retries(1);
    let task = pool.run_in_process(die_at_first, (log.path(), 2));
    let Err(TaskError::WorkerExited(exit)) = patiently(task).await else {
        panic!("its second worker has died");
    };
    let pids = log.lines();
    assert_eq!(pids.len(), 2);
    assert_eq!(exit.pid().to_string(), pids[1], "the last death is told");
    assert_eq!(exit.attempts(), 2);
    let told = exit.to_string();
    assert!(
        told.ends_with("(SIGABRT), the last of 2 workers that died running the task"),
        "{told}"
    );
}

#[procpool::test]
async fn without_retries_a_task_runs_once() {
    let log = Log::open();
    let pool = pool_with_retries(0);
    let task = pool.run_in_process(die_at_first, (log.path(), 1));
    assert!(patiently(task).await.unwrap_err().is_worker_exited());
    patiently(pool.shutdown()).await;
    assert_eq!(log.lines().len(), 1);
}

#[procpool::test]
async fn a_task_that_pauses_before_a_retry_delays_no_other_and_then_runs_first() {
    let (log, gate) = (Log::open(), Gate::open());
    let pool = pool_with_retries(1);
    let task = pool.run_in_process(die_at_first, (log.path(), 1));
    let meanwhile = pool.run_in_process(visit, gate.path());
    let waiting = pool.run_in_process(|log: PathBuf| lines(&log).len(), log.path());
    // It arrives in the pause or after the second run, and the pool has one worker.
    let visitor = gate.visitor().await;
    // The pause is shorter than the time limit of this one, so it is over when this one has ended.
    let hasty = pool.with(TaskOptions::new().queue_timeout(Duration::from_millis(200)));
    let error = patiently(hasty.run_in_process(|()| (), ())).await;
    assert!(error.unwrap_err().is_timed_out());
    visitor.let_go().await;
    assert_eq!(patiently(waiting).await.unwrap(), 2);
    assert_eq!(patiently(task).await.unwrap(), 2);
    patiently(meanwhile).await.unwrap();
}

#[procpool::test]
async fn a_panic_is_not_retried() {
    fn note_and_panic(log: PathBuf) {
        note(&log, "run");
        panic!("it would only come again");
    }
    let log = Log::open();
    let pool = pool_with_retries(3);
    let task = pool.run_in_process(note_and_panic, log.path());
    assert!(patiently(task).await.unwrap_err().is_panicked());
    assert_ran_once(&pool, &log).await;
}

#[procpool::test]
async fn a_functions_own_error_is_not_retried() {
    let log = Log::open();
    let pool = pool_with_retries(3);
    let task = pool.run_in_process(
        |log: PathBuf| {
            note(&log, "run");
            Err::<(), _>("no".to_owned())
        },
        log.path(),
    );
    assert_eq!(patiently(task).await.unwrap(), Err("no".to_owned()));
    assert_ran_once(&pool, &log).await;
}

fn note_and_linger((log, gate): (PathBuf, PathBuf)) {
    note(&log, "run");
    visit_and_linger(gate);
}

#[procpool::test]
async fn a_cancelled_task_is_not_retried() {
    let (log, gate) = (Log::open(), Gate::open());
    let pool = pool_with_retries(3);
    let task = pool.run_in_process(note_and_linger, (log.path(), gate.path()));
    let visitor = gate.visitor().await;
    task.abort();
    assert!(patiently(task).await.unwrap_err().is_cancelled());
    visitor.gone().await;
    assert_ran_once(&pool, &log).await;
}

#[procpool::test]
async fn a_task_that_timed_out_is_not_retried() {
    let (log, gate) = (Log::open(), Gate::open());
    let pool = pool_with_retries(3).with_timeout(Duration::from_millis(500));
    let task = pool.run_in_process(note_and_linger, (log.path(), gate.path()));
    let visitor = gate.visitor().await;
    assert!(patiently(task).await.unwrap_err().is_timed_out());
    visitor.gone().await;
    assert_ran_once(&pool, &log).await;
}

#[procpool::test]
async fn a_task_that_is_cancelled_between_two_runs_does_not_run_again() {
    fn note_and_die(log: PathBuf) {
        note(&log, "run");
        process::abort();
    }
    let log = Log::open();
    let pool = pool_with_retries(u32::MAX);
    let task = pool.run_in_process(note_and_die, log.path());
    patiently(async {
        while log.lines().len() < 3 || task.state() != TaskState::Queued {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // It pauses before a retry. If it ran again, the pool would never finish.
    drop(task);
    patiently(pool.shutdown()).await;
}

async fn assert_ran_once(pool: &ProcessPool, log: &Log) {
    // All tasks that still run, even after a pause, run before this ends.
    patiently(pool.shutdown()).await;
    assert_eq!(log.lines(), ["run"]);
}
