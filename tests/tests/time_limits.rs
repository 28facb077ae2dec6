//! Time limits: what counts towards them, and what happens when they pass.

use std::path::PathBuf;
use std::pin::Pin;
use std::process::Command;
use std::task::Context;
use std::time::Duration;

use procpool::{ProcessPool, Task, TaskError, TaskOptions, TimeoutPhase};
use procpool_tests::{
    Gate, Log, Watched, Witness, note, patiently, patiently_on, visit, visit_and_linger,
};

/// A short limit, for calls that can't finish within any limit.
const SHORT: Duration = Duration::from_millis(20);

/// Longer than a function that returns at once takes on a busy machine.
const AMPLE: Duration = Duration::from_millis(700);

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .build()
        .expect("a pool")
}

async fn timed_out<R: serde::de::DeserializeOwned>(task: Task<R>) -> (TimeoutPhase, Duration) {
    match patiently(task).await {
        Err(TaskError::TimedOut { phase, limit, .. }) => (phase, limit),
        Err(error) => panic!("another error: {error:?}"),
        Ok(_) => panic!("it has a result"),
    }
}

async fn assert_works(pool: &ProcessPool) {
    let sum = patiently(pool.run_in_process(|(a, b)| a + b, (1_u8, 2)));
    assert_eq!(sum.await.expect("the pool works"), 3);
}

#[procpool::test]
async fn a_function_that_runs_too_long_is_killed_and_its_worker_replaced() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let task = pool
        .with_timeout(AMPLE)
        .run_in_process(visit_and_linger, gate.path());
    let visitor = gate.visitor().await;
    let (worker, process) = (visitor.pid, visitor.watch());
    assert_eq!(timed_out(task).await, (TimeoutPhase::Running, AMPLE));
    process.ended();
    visitor.gone().await;
    let next = patiently(pool.run_in_process(|()| std::process::id(), ()))
        .await
        .unwrap();
    assert_ne!(next, worker);
}

#[procpool::test]
async fn when_a_timeout_is_reported_the_work_has_stopped() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let worker = pool.run_in_process(|()| std::process::id(), ());
    let witness = Witness::of(patiently(worker).await.unwrap());
    let mut task = pool
        .with_timeout(AMPLE)
        .run_in_process(visit_and_linger, gate.path());
    let waker = witness.waker();
    let polled = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    patiently(async {
        while witness.saw_it_dead().is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(witness.saw_it_dead(), Some(true));
    assert_eq!(timed_out(task).await, (TimeoutPhase::Running, AMPLE));
}

#[procpool::test]
async fn child_processes_of_a_function_are_killed_with_it() {
    fn start_child_and_linger((gate, log): (PathBuf, PathBuf)) {
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        note(&log, &child.id().to_string());
        std::mem::forget(child);
        visit_and_linger(gate);
    }
    let (gate, log) = (Gate::open(), Log::open());
    let pool = pool_of(1).with(TaskOptions::new().timeout(AMPLE));
    let task = pool.run_in_process(start_child_and_linger, (gate.path(), log.path()));
    let visitor = gate.visitor().await;
    let grandchild = Watched::new(log.lines()[0].parse().unwrap());
    assert!(grandchild.is_alive());
    timed_out(task).await;
    visitor.watch().ended();
    grandchild.ended();
}

#[procpool::test]
async fn the_error_names_the_phase_and_the_limit_in_one_line() {
    let gate = Gate::open();
    let pool = pool_of(1).with_timeout(SHORT);
    let error = patiently(pool.run_in_process(visit_and_linger, gate.path()))
        .await
        .unwrap_err();
    assert!(error.is_timed_out());
    assert_eq!(
        error.to_string(),
        "the task timed out: it ran for longer than 20ms"
    );
}

#[procpool::test]
async fn the_time_in_the_queue_does_not_count_as_running_time() {
    const LIMIT: Duration = Duration::from_secs(1);
    let (first, second) = (Gate::open(), Gate::open());
    let pool = pool_of(1);
    let blocker = pool.run_in_process(visit, first.path());
    let visitor = first.visitor().await;
    let limited = pool.with_timeout(LIMIT);
    let task = limited.run_in_process(visit, second.path());
    // This one waits as long with a shorter limit, so its end shows that the limit has passed in the queue.
    let hasty = pool.with(TaskOptions::new().queue_timeout(LIMIT));
    let waiting = hasty.run_in_process(|()| (), ());
    assert_eq!(timed_out(waiting).await, (TimeoutPhase::Queued, LIMIT));
    visitor.let_go().await;
    second.visitor().await.let_go().await;
    patiently(task).await.unwrap();
    patiently(blocker).await.unwrap();
}

#[procpool::test]
async fn the_start_of_a_worker_does_not_count_as_running_time() {
    let program = tokio::process::Command::new(env!("CARGO_BIN_EXE_slow_start"))
        .kill_on_drop(true)
        .output();
    let output = patiently(program).await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {told}", output.status);
}

#[procpool::test]
async fn a_task_that_waits_too_long_never_runs() {
    let (gate, never) = (Gate::open(), Gate::open());
    let pool = pool_of(1);
    let blocker = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let hasty = pool.with(TaskOptions::new().queue_timeout(SHORT));
    let waiting = hasty.run_in_process(visit, never.path());
    let error = patiently(waiting).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the task timed out: it was queued for longer than 20ms"
    );
    assert!(matches!(
        error,
        TaskError::TimedOut { phase: TimeoutPhase::Queued, limit, .. } if limit == SHORT
    ));
    let worker = visitor.pid;
    visitor.let_go().await;
    assert_eq!(patiently(blocker).await.unwrap(), worker);
    // It would have run before this one, in the worker that was not killed.
    let next = pool.run_in_process(|()| std::process::id(), ());
    assert_eq!(patiently(next).await.unwrap(), worker);
    assert!(!never.has_visitor());
}

#[procpool::test]
async fn a_queue_timeout_does_not_affect_a_task_that_has_started() {
    let gate = Gate::open();
    let pool = pool_of(1);
    // Submitted to an idle worker, so it does not wait.
    assert_works(&pool).await;
    let options = TaskOptions::new();
    let task = pool
        .with(options.clone().queue_timeout(AMPLE))
        .run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    // This one is submitted later and has an equal limit.
    let later = pool
        .with(options.queue_timeout(AMPLE))
        .run_in_process(|()| (), ());
    assert_eq!(timed_out(later).await, (TimeoutPhase::Queued, AMPLE));
    visitor.let_go().await;
    patiently(task).await.unwrap();
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timeout_affects_no_other_task() {
    let gate = Gate::open();
    let pool = pool_of(2);
    let victims: Vec<_> = (0..10)
        .map(|_| {
            pool.with_timeout(SHORT)
                .run_in_process(visit_and_linger, gate.path())
        })
        .collect();
    let others: Vec<_> = (0..2000_u32)
        .map(|x| pool.run_in_process(|x: u32| x + 1, x))
        .collect();
    for victim in victims {
        assert_eq!(timed_out(victim).await, (TimeoutPhase::Running, SHORT));
    }
    let results = patiently(futures::future::try_join_all(others))
        .await
        .unwrap();
    assert!(results.into_iter().eq(1..2001));
}

#[procpool::test]
async fn a_limit_of_one_handle_does_not_affect_others() {
    let (slow, hasty) = (Gate::open(), Gate::open());
    let pool = pool_of(2);
    let limited = pool.with_timeout(SHORT);
    let _ = pool.with(TaskOptions::new().queue_timeout(Duration::ZERO));
    let task = pool.run_in_process(visit, slow.path());
    let visitor = slow.visitor().await;
    // This one starts later and has a limit, which passes while the other one runs.
    timed_out(limited.run_in_process(visit_and_linger, hasty.path())).await;
    visitor.let_go().await;
    patiently(task).await.unwrap();
}

#[procpool::test]
async fn with_timeout_keeps_the_handles_other_options() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let both = pool
        .with(TaskOptions::new().queue_timeout(SHORT))
        .with_timeout(Duration::from_secs(3600));
    let blocker = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let waiting = both.run_in_process(|()| (), ());
    assert_eq!(timed_out(waiting).await, (TimeoutPhase::Queued, SHORT));
    visitor.let_go().await;
    patiently(blocker).await.unwrap();
}

#[procpool::test]
async fn a_limit_of_zero_is_a_limit() {
    let (gate, other) = (Gate::open(), Gate::open());
    let pool = pool_of(1);
    let hasty = pool.with_timeout(Duration::ZERO);
    let task = hasty.run_in_process(visit_and_linger, gate.path());
    assert_eq!(
        timed_out(task).await,
        (TimeoutPhase::Running, Duration::ZERO)
    );
    let blocker = pool.run_in_process(visit, other.path());
    let visitor = other.visitor().await;
    let impatient = pool.with(TaskOptions::new().queue_timeout(Duration::ZERO));
    let waiting = impatient.run_in_process(|()| (), ());
    assert_eq!(
        timed_out(waiting).await,
        (TimeoutPhase::Queued, Duration::ZERO)
    );
    visitor.let_go().await;
    patiently(blocker).await.unwrap();
}

#[procpool::test]
async fn limits_beyond_the_range_of_the_clock_never_pass() {
    let limits = [
        Duration::MAX,
        Duration::from_secs(i64::MAX as u64),
        Duration::from_secs(i64::MAX as u64 / 2),
        Duration::from_secs(u64::from(u32::MAX)),
    ];
    for limit in limits {
        let pool = ProcessPool::builder()
            .min_workers(0)
            .max_workers(1)
            .startup_timeout(limit)
            .idle_timeout(limit)
            .build()
            .unwrap();
        let options = TaskOptions::new().timeout(limit).queue_timeout(limit);
        let patient = pool.with(options.grace(limit));
        assert_works(&patient).await;
        let gate = Gate::open();
        let task = patient.run_in_process(visit, gate.path());
        let waiting = patient.run_in_process(|()| std::process::id(), ());
        let visitor = gate.visitor().await;
        // A grace that never ends also works.
        drop(task);
        let worker = visitor.pid;
        visitor.let_go().await;
        assert_eq!(patiently(waiting).await.unwrap(), worker);
        let report = patiently(pool.shutdown_timeout(limit)).await;
        assert!(report.is_clean(), "{report:?}");
    }
}

/// Reaches a gate, and another one when it is cancelled.
fn clean_up((gate, end): (PathBuf, PathBuf)) -> bool {
    std::thread::spawn(move || visit(gate));
    while !procpool::worker::is_cancelled() {
        std::thread::yield_now();
    }
    let _ = visit(end);
    true
}

#[procpool::test]
async fn with_a_grace_a_function_that_returns_keeps_its_worker() {
    let (gate, end) = (Gate::open(), Gate::open());
    let pool = pool_of(1);
    let options = TaskOptions::new()
        .timeout(SHORT)
        .grace(Duration::from_secs(3600));
    let task = pool
        .with(options)
        .run_in_process(clean_up, (gate.path(), end.path()));
    let visitor = gate.visitor().await;
    // The error is given at once, although the function has not returned.
    assert_eq!(timed_out(task).await, (TimeoutPhase::Running, SHORT));
    let next = pool.run_in_process(|()| std::process::id(), ());
    let late = end.visitor().await;
    assert_eq!(
        next.state(),
        procpool::TaskState::Queued,
        "it is still busy"
    );
    late.let_go().await;
    assert_eq!(patiently(next).await.unwrap(), visitor.pid);
}

#[procpool::test]
async fn a_function_that_ignores_its_grace_is_killed() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let options = TaskOptions::new().timeout(AMPLE).grace(SHORT);
    let task = pool
        .with(options)
        .run_in_process(visit_and_linger, gate.path());
    let visitor = gate.visitor().await;
    assert_eq!(timed_out(task).await, (TimeoutPhase::Running, AMPLE));
    visitor.gone().await;
    assert_works(&pool).await;
}

/// Runs everything that needs time on a runtime without a time driver.
async fn limits_hold() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let options = TaskOptions::new().timeout(SHORT).grace(SHORT);
    let task = pool
        .with(options)
        .run_in_process(visit_and_linger, gate.path());
    assert!(task.await.is_err_and(|error| error.is_timed_out()));
    let blocker = pool.run_in_process(visit_and_linger, gate.path());
    let hasty = pool.with(TaskOptions::new().queue_timeout(SHORT));
    let waiting = hasty.run_in_process(|()| (), ());
    assert!(waiting.await.is_err_and(|error| error.is_timed_out()));
    let report = pool.shutdown_timeout(SHORT).await;
    assert_eq!(report.abandoned_tasks(), 1);
    assert!(blocker.await.is_err_and(|error| error.is_pool_closed()));
}

#[procpool::test]
async fn limits_hold_on_a_runtime_without_time() {
    patiently_on(|builder| builder.enable_io(), limits_hold);
}

#[procpool::test]
async fn limits_hold_while_tokios_clock_is_paused() {
    patiently_on(
        |builder| builder.enable_all().start_paused(true),
        limits_hold,
    );
}

#[procpool::test]
async fn a_paused_clock_that_jumps_ahead_makes_no_limit_pass() {
    fn await_word(log: PathBuf) {
        while std::fs::read_to_string(&log).unwrap().is_empty() {
            std::thread::yield_now();
        }
    }
    patiently_on(
        |builder| builder.enable_all().start_paused(true),
        || async {
            let log = Log::open();
            let limit = Duration::from_secs(3600);
            let options = TaskOptions::new().timeout(limit).queue_timeout(limit);
            let pool = pool_of(1).with(options);
            let running = pool.run_in_process(await_word, log.path());
            let waiting = pool.run_in_process(|()| (), ());
            // The clock jumps whenever the runtime has nothing to do.
            tokio::time::sleep(limit * 10).await;
            note(&log.path(), "go on");
            running.await.unwrap();
            waiting.await.unwrap();
        },
    );
}
