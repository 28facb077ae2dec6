//! The death of a worker fails the one task that it ran.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use procpool::{ProcessPool, TaskError, WorkerExit};
use procpool_tests::{
    Gate, Log, Watched, children, kill, note, patiently, visit, visit_and_linger,
};

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .build()
        .expect("a pool")
}

/// Returns how the worker of `function` died after the function had reached the gate and was let go. Checks that
/// the pid is that of the gate, and that the pool keeps working.
async fn death_of(function: fn(PathBuf)) -> WorkerExit {
    let gate = Gate::open();
    let pool = pool_of(1);
    let task = pool.run_in_process(function, gate.path());
    let visitor = gate.visitor().await;
    let pid = visitor.pid;
    visitor.let_go().await;
    let id = task.id();
    let exit = exit(patiently(task).await.expect_err("its worker has died"));
    assert_eq!(exit.pid(), pid);
    assert_eq!((exit.task(), exit.attempts()), (Some(id), 1));
    assert!(!children().contains(&pid), "it is not reaped");
    let next = pool.run_in_process(|()| process::id(), ());
    assert_ne!(patiently(next).await.expect("the pool works"), pid);
    exit
}

fn exit(error: TaskError) -> WorkerExit {
    assert!(error.is_worker_exited(), "another error: {error:?}");
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    match error {
        TaskError::WorkerExited(exit) => exit,
        other => panic!("another error: {other:?}"),
    }
}

#[procpool::test]
async fn an_abort_is_reported_with_its_signal() {
    let exit = death_of(|gate| {
        let _ = visit(gate);
        process::abort();
    })
    .await;
    assert_eq!((exit.code(), exit.signal()), (None, Some(6)));
    assert_eq!(
        exit.to_string(),
        format!("worker {} was killed by signal 6 (SIGABRT)", exit.pid())
    );
    assert!(exit.uptime() > Duration::ZERO);
}

#[procpool::test]
async fn an_exit_is_reported_with_its_code() {
    let exit = death_of(|gate| {
        let _ = visit(gate);
        process::exit(3);
    })
    .await;
    assert_eq!((exit.code(), exit.signal()), (Some(3), None));
    assert_eq!(
        exit.to_string(),
        format!("worker {} exited with code 3", exit.pid())
    );
}

#[procpool::test]
async fn an_exit_with_code_0_is_a_failure() {
    let exit = death_of(|gate| {
        let _ = visit(gate);
        process::exit(0);
    })
    .await;
    assert_eq!((exit.code(), exit.signal()), (Some(0), None));
}

#[procpool::test]
async fn a_stack_overflow_is_reported_with_its_signal() {
    fn dig(depth: u64) -> u64 {
        match std::hint::black_box(depth) {
            u64::MAX => 0,
            depth => 1 + std::hint::black_box(dig(depth + 1)),
        }
    }
    let exit = death_of(|gate| {
        let _ = visit(gate);
        dig(0);
    })
    .await;
    // Rust's own handler aborts.
    assert!(matches!(exit.signal(), Some(6 | 11)), "{exit}");
}

#[procpool::test]
async fn a_crash_in_a_thread_of_the_function_fails_its_task() {
    let exit = death_of(|gate| {
        let _ = visit(gate);
        let _ = std::thread::spawn(|| process::abort()).join();
    })
    .await;
    assert_eq!(exit.signal(), Some(6));
}

#[procpool::test]
async fn a_worker_that_is_killed_from_outside_fails_its_task() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let task = pool.run_in_process(visit_and_linger, gate.path());
    let visitor = gate.visitor().await;
    kill(visitor.pid);
    let exit = exit(patiently(task).await.unwrap_err());
    assert_eq!((exit.pid(), exit.signal()), (visitor.pid, Some(9)));
    assert!(exit.to_string().contains("signal 9 (SIGKILL)"), "{exit}");
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
}

#[procpool::test]
async fn child_processes_of_a_worker_die_with_it() {
    fn start_child_and_die((gate, log): (PathBuf, PathBuf)) {
        let child = process::Command::new("sleep").arg("1000").spawn().unwrap();
        note(&log, &child.id().to_string());
        std::mem::forget(child);
        let _ = visit(gate);
        process::abort();
    }
    let (gate, log) = (Gate::open(), Log::open());
    let pool = pool_of(1);
    let task = pool.run_in_process(start_child_and_die, (gate.path(), log.path()));
    let visitor = gate.visitor().await;
    let grandchild = Watched::new(log.lines()[0].parse().unwrap());
    assert!(grandchild.is_alive());
    visitor.let_go().await;
    exit(patiently(task).await.unwrap_err());
    grandchild.ended();
}

#[procpool::test]
async fn an_idle_worker_that_dies_is_replaced_without_a_failed_task() {
    let pool = pool_of(1);
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let worker = pool.run_in_process(|()| process::id(), ());
        let worker = patiently(worker).await.unwrap();
        assert!(seen.insert(worker), "a task ran in a worker that was dead");
        let process = Watched::new(worker);
        kill(worker);
        // The pool can't know yet, because this blocks the thread that reads the socket. So the next task
        // goes to a dead worker.
        process.ended();
    }
}

#[procpool::test]
async fn an_idle_worker_that_dies_is_replaced_before_there_is_a_task() {
    let pool = pool_of(1);
    let worker = pool.run_in_process(|()| process::id(), ());
    let worker = patiently(worker).await.unwrap();
    let others = children();
    kill(worker);
    // The worker is reaped and replaced. Other tests in this process have workers, too, but not with this
    // pid.
    patiently(async {
        while children().contains(&worker) || children().iter().all(|pid| others.contains(pid)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
}

#[procpool::test]
async fn all_idle_workers_may_die_at_once() {
    let gate = Gate::open();
    let pool = pool_of(3);
    let tasks: Vec<_> = (0..3)
        .map(|_| pool.run_in_process(visit, gate.path()))
        .collect();
    let visitors = [
        gate.visitor().await,
        gate.visitor().await,
        gate.visitor().await,
    ];
    for visitor in visitors {
        visitor.let_go().await;
    }
    let workers = patiently(try_join_all(tasks)).await.unwrap();
    let processes: Vec<_> = workers.iter().copied().map(Watched::new).collect();
    workers.iter().copied().for_each(kill);
    processes.iter().for_each(Watched::ended);
    let tasks = (0..100).map(|_| pool.run_in_process(|()| process::id(), ()));
    for pid in patiently(try_join_all(tasks)).await.unwrap() {
        assert!(!workers.contains(&pid));
    }
}

/// Writes a line to the log. If it has to die, it does, and the line has its pid.
fn note_and_maybe_die((log, task, dies): (PathBuf, u32, bool)) -> u32 {
    note(&log, &format!("{task} {}", process::id()));
    if dies {
        process::abort();
    }
    task
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_thousands_in_flight_each_death_fails_its_own_task_and_each_task_runs_once() {
    const TASKS: u32 = 4000;
    let dies = |task: u32| task % 200 == 100;
    let log = Log::open();
    let pool = pool_of(2);
    // Once the function is known to be short, many tasks are prefetched, also behind those that die.
    let warm_up = Log::open();
    for _ in 0..50 {
        let task = pool.run_in_process(note_and_maybe_die, (warm_up.path(), 0, false));
        patiently(task).await.unwrap();
    }
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| pool.run_in_process(note_and_maybe_die, (log.path(), task, dies(task))))
        .collect();
    let ends = patiently(join_all(tasks)).await;

    let mut runs = vec![Vec::new(); TASKS as usize];
    for line in log.lines() {
        let (task, pid) = line.split_once(' ').expect("a whole line");
        runs[task.parse::<usize>().unwrap()].push(pid.parse::<u32>().unwrap());
    }
    for (task, (end, runs)) in (0..TASKS).zip(ends.into_iter().zip(runs)) {
        assert_eq!(runs.len(), 1, "task {task} did not run once");
        match dies(task) {
            false => assert_eq!(end.expect("it has done no harm"), task),
            true => assert_eq!(exit(end.unwrap_err()).pid(), runs[0]),
        }
    }
}

#[procpool::test]
async fn unstarted_tasks_of_a_dead_worker_run_once_on_another() {
    /// Reaches the gate and dies, if there is one; otherwise only writes a line.
    fn step((log, gate, task): (PathBuf, Option<PathBuf>, u32)) {
        note(&log, &task.to_string());
        if let Some(gate) = gate {
            let _ = visit(gate);
            process::abort();
        }
    }
    let (gate, log) = (Gate::open(), Log::open());
    let pool = pool_of(1);
    for _ in 0..50 {
        patiently(pool.run_in_process(step, (log.path(), None, 0)))
            .await
            .unwrap();
    }
    let killer = pool.run_in_process(step, (log.path(), Some(gate.path()), 1));
    let tasks: Vec<_> = (2..100)
        .map(|task| pool.run_in_process(step, (log.path(), None, task)))
        .collect();
    let visitor = gate.visitor().await;
    visitor.let_go().await;
    exit(patiently(killer).await.unwrap_err());
    patiently(try_join_all(tasks)).await.unwrap();
    let lines = log.lines();
    let expected = (0..50).map(|_| 0).chain(1..100);
    let expected: Vec<_> = expected.map(|task: u32| task.to_string()).collect();
    assert_eq!(lines, expected, "each runs once, and in order");
}

#[procpool::test]
async fn a_pool_survives_any_number_of_deaths() {
    let pool = pool_of(2);
    let deaths: Vec<_> = (0..60)
        .map(|code: i32| pool.run_in_process(|code| -> u8 { process::exit(code) }, code))
        .collect();
    for (code, death) in (0..).zip(deaths) {
        let exit = exit(patiently(death).await.unwrap_err());
        assert_eq!(exit.code(), Some(code));
    }
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
}

#[procpool::test]
async fn an_error_can_be_cloned_and_sent_on() {
    fn sendable<E: std::error::Error + Send + Sync + Clone + 'static>(error: &E) -> E {
        error.clone()
    }
    let pool = pool_of(1);
    let task = pool.run_in_process(|()| -> u8 { process::abort() }, ());
    let error = patiently(task).await.unwrap_err();
    assert_eq!(sendable(&error).to_string(), error.to_string());
}
