//! Dropping a task cancels it in every state.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use procpool::{ProcessPool, TaskOptions, TaskState};
use procpool_tests::{Gate, Witness, patiently, visit, visit_and_linger};

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .build()
        .expect("a pool")
}

#[procpool::test]
async fn a_dropped_running_task_is_killed_and_its_worker_replaced() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let task = pool.run_in_process(visit_and_linger, gate.path());
    let visitor = gate.visitor().await;
    let (worker, process) = (visitor.pid, visitor.watch());
    drop(task);
    process.ended();
    visitor.gone().await;
    let next = patiently(pool.run_in_process(|()| std::process::id(), ()))
        .await
        .unwrap();
    assert_ne!(next, worker);
}

#[procpool::test]
async fn when_a_cancellation_is_reported_the_work_has_stopped() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let mut task = pool.run_in_process(visit_and_linger, gate.path());
    let witness = Witness::of(gate.visitor().await.pid);
    let waker = witness.waker();
    let polled = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    task.abort();
    assert_eq!(witness.saw_it_dead(), Some(true));
    assert!(patiently(task).await.unwrap_err().is_cancelled());
}

#[procpool::test]
async fn dropping_a_running_task_kills_its_whole_process_group() {
    fn start_child_and_linger(gate: std::path::PathBuf) {
        let child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        std::mem::forget(child);
        visit_and_linger(gate);
    }
    let gate = Gate::open();
    let pool = pool_of(1);
    let task = pool.run_in_process(start_child_and_linger, gate.path());
    let visitor = gate.visitor().await;
    let children = children_of(visitor.pid);
    assert_eq!(children.len(), 1, "the function has started one process");
    let grandchild = procpool_tests::Watched::new(children[0]);
    assert!(grandchild.is_alive());
    drop(task);
    visitor.watch().ended();
    grandchild.ended();
}

fn children_of(pid: u32) -> Vec<u32> {
    std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .unwrap()
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

#[procpool::test]
async fn a_dropped_queued_task_never_runs() {
    let (gate, never) = (Gate::open(), Gate::open());
    let pool = pool_of(1);
    let blocker = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    drop(pool.run_in_process(visit, never.path()));
    visitor.let_go().await;
    patiently(blocker).await.unwrap();
    // It would have run before this one.
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
    assert!(!never.has_visitor());
}

#[procpool::test]
async fn a_task_that_loses_a_select_is_killed() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let visitor = tokio::select! {
        _ = pool.run_in_process(visit_and_linger, gate.path()) => unreachable!("it lingers"),
        visitor = gate.visitor() => visitor,
    };
    visitor.watch().ended();
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
}

#[procpool::test]
async fn a_task_that_loses_tokios_timeout_is_killed() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let task = pool.run_in_process(visit_and_linger, gate.path());
    let visitor = gate.visitor().await;
    assert!(
        tokio::time::timeout(Duration::from_millis(1), task)
            .await
            .is_err()
    );
    visitor.watch().ended();
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
}

#[procpool::test]
async fn an_aborted_task_gives_cancelled() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let running = pool.run_in_process(visit_and_linger, gate.path());
    let queued = pool.run_in_process(|()| (), ());
    let visitor = gate.visitor().await;
    queued.abort();
    assert!(patiently(queued).await.unwrap_err().is_cancelled());
    running.abort_handle().abort();
    assert!(patiently(running).await.unwrap_err().is_cancelled());
    visitor.watch().ended();
}

#[procpool::test]
async fn abort_if_queued_leaves_a_running_task_alone() {
    let gate = Gate::open();
    let pool = pool_of(1);
    let running = pool.run_in_process(visit, gate.path());
    let queued = pool.run_in_process(|()| (), ());
    let visitor = gate.visitor().await;
    assert!(!running.abort_handle().abort_if_queued());
    assert!(queued.abort_handle().abort_if_queued());
    assert!(
        !queued.abort_handle().abort_if_queued(),
        "it is over already"
    );
    assert!(patiently(queued).await.unwrap_err().is_cancelled());
    visitor.let_go().await;
    patiently(running).await.unwrap();
}

#[procpool::test]
async fn cancel_queued_cancels_unstarted_tasks_and_leaves_running_ones_alone() {
    let (gate, never) = (Gate::open(), Gate::open());
    let pool = pool_of(1);
    let running = pool.run_in_process(visit, gate.path());
    let queued: Vec<_> = (0..1_000)
        .map(|_| pool.run_in_process(visit_and_linger, never.path()))
        .collect();
    let visitor = gate.visitor().await;
    assert!(!running.is_finished());
    assert_eq!(pool.cancel_queued(), 1_000);
    assert_eq!(pool.cancel_queued(), 0);
    for task in queued {
        assert!(task.is_finished());
        assert!(patiently(task).await.unwrap_err().is_cancelled());
    }
    let pid = visitor.pid;
    visitor.let_go().await;
    assert_eq!(patiently(running).await.unwrap(), pid);
    // The pool still works.
    let after = pool.run_in_process(|()| std::process::id(), ());
    assert_eq!(patiently(after).await.unwrap(), pid);
    assert!(!never.has_visitor());
}

#[procpool::test]
async fn aborting_a_finished_task_changes_nothing() {
    let pool = pool_of(1);
    let task = pool.run_in_process(|()| 5, ());
    let handle = task.abort_handle();
    patiently(async {
        while task.state() != TaskState::Finished {
            tokio::task::yield_now().await;
        }
    })
    .await;
    task.abort();
    handle.abort();
    assert!(!handle.abort_if_queued());
    assert_eq!(patiently(task).await.unwrap(), 5);
}

#[procpool::test]
async fn a_detached_task_runs_on() {
    let gate = Gate::open();
    let pool = pool_of(1);
    pool.run_in_process(visit, gate.path()).detach();
    let visitor = gate.visitor().await;
    visitor.let_go().await;
    // Its worker was not killed.
    let id = patiently(pool.run_in_process(|()| procpool::worker::id(), ()))
        .await
        .unwrap();
    assert_eq!(id, Some(1));
}

#[procpool::test]
async fn a_detached_task_finishes_after_the_last_handle_is_dropped() {
    let gate = Gate::open();
    let pool = pool_of(1);
    pool.run_in_process(visit, gate.path()).detach();
    drop(pool);
    let visitor = gate.visitor().await;
    let process = visitor.watch();
    assert!(process.is_alive());
    visitor.let_go().await;
    patiently(async {
        tokio::task::spawn_blocking(move || process.ended())
            .await
            .unwrap()
    })
    .await;
}

#[procpool::test]
async fn a_cancellation_affects_no_other_task() {
    let gate = Gate::open();
    let pool = pool_of(2);
    let victim = pool.run_in_process(visit_and_linger, gate.path());
    let _ = gate.visitor().await;
    let others: Vec<_> = (0..2000_u32)
        .map(|x| pool.run_in_process(|x: u32| x + 1, x))
        .collect();
    drop(victim);
    let results = patiently(futures::future::try_join_all(others))
        .await
        .unwrap();
    assert!(results.into_iter().eq(1..2001));
}

#[procpool::test]
async fn with_a_grace_a_cancelled_function_sees_it_and_keeps_its_worker() {
    fn clean_up(gate: std::path::PathBuf) {
        let visited = std::thread::spawn(move || visit(gate));
        while !procpool::worker::is_cancelled() {
            std::thread::yield_now();
        }
        let _ = visited.join();
    }
    let gate = Gate::open();
    let pool = pool_of(1);
    let gentle = pool.with(TaskOptions::new().grace(Duration::from_secs(60)));
    let task = gentle.run_in_process(clean_up, gate.path());
    let visitor = gate.visitor().await;
    let worker = visitor.pid;
    task.abort();
    assert!(
        patiently(task).await.unwrap_err().is_cancelled(),
        "the error comes at once"
    );
    let next = pool.run_in_process(|()| std::process::id(), ());
    visitor.let_go().await;
    assert_eq!(patiently(next).await.unwrap(), worker);
}

#[procpool::test]
async fn a_function_that_ignores_its_grace_is_killed() {
    let gate = Gate::open();
    let pool = pool_of(1).with(TaskOptions::new().grace(Duration::from_millis(20)));
    let task = pool.run_in_process(visit_and_linger, gate.path());
    let visitor = gate.visitor().await;
    drop(task);
    visitor.gone().await;
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
}

#[procpool::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_works_after_thousands_of_cancellations() {
    let pool = pool_of(2);
    for round in 0..40_u64 {
        let tasks: Vec<_> = (0..50_u64)
            .map(|x| pool.run_in_process(|x: u64| (0..x * 1000).sum::<u64>(), x))
            .collect();
        // Some are dropped at once, some after the first one is finished, some are awaited.
        for (i, task) in tasks.into_iter().enumerate() {
            match (i as u64 + round) % 3 {
                0 => drop(task),
                1 => task.detach(),
                _ => {
                    patiently(task).await.unwrap();
                }
            }
        }
    }
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
}

#[procpool::test]
async fn a_worker_that_left_its_process_group_is_killed_too() {
    use rustix::process::{getpgid, getppid, setpgid};

    fn leave_and_linger(gate: std::path::PathBuf) {
        // The only other group that it may join without knowing one.
        let parents = getpgid(getppid()).unwrap();
        setpgid(None, Some(parents)).unwrap();
        visit_and_linger(gate);
    }
    let gate = Gate::open();
    let pool = pool_of(1);
    let task = pool.run_in_process(leave_and_linger, gate.path());
    let visitor = gate.visitor().await;
    drop(task);
    visitor.gone().await;
    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
}
