//! The order of tasks: priorities, shares and affinities, through every kind of handle.

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use futures::future::try_join_all;
use procpool::{Priority, ProcessPool, Task, TaskOptions};
use procpool_tests::{Gate, Log, Visitor, note, patiently, visit};
use tower::{Service, ServiceExt};

type Line = (PathBuf, String);

/// Writes a line; runs in a worker.
fn leave((log, line): Line) {
    note(&log, &line);
}

/// Writes a line and takes some time; runs in a worker.
fn leave_slowly((log, line): Line) {
    note(&log, &line);
    std::thread::sleep(Duration::from_millis(300));
}

fn die((): ()) {
    std::process::abort();
}

fn pool_of(workers: usize) -> ProcessPool {
    let builder = ProcessPool::builder().workers(workers);
    builder.build().expect("a pool")
}

fn priority(priority: Priority) -> TaskOptions {
    TaskOptions::new().priority(priority)
}

/// A pool whose worker is at the gate, so that all later tasks must wait.
async fn busy_pool() -> (ProcessPool, Gate, Task<u32>, Visitor) {
    let (pool, gate) = (pool_of(1), Gate::open());
    let task = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    (pool, gate, task, visitor)
}

/// Lets the worker go, and waits for all tasks.
async fn all_run(visitor: Visitor, tasks: Vec<Task<()>>) {
    visitor.let_go().await;
    patiently(try_join_all(tasks)).await.expect("all have run");
}

fn position(lines: &[String], line: &str) -> usize {
    lines.iter().position(|other| other == line).expect("there")
}

#[procpool::test]
async fn higher_priorities_start_first_and_each_in_the_order_of_the_calls() {
    let (pool, _gate, _task, visitor) = busy_pool().await;
    let log = Log::open();
    let levels = [Priority::Normal, Priority::Lowest, Priority::High];
    let mut tasks = Vec::new();
    for round in 1..=2 {
        for level in levels {
            let line = format!("{level:?} {round}");
            let handle = pool.with(priority(level));
            tasks.push(handle.run_in_process(leave, (log.path(), line)));
        }
    }
    all_run(visitor, tasks).await;
    let expected = ["High", "Normal", "Lowest"]
        .into_iter()
        .flat_map(|level| [format!("{level} 1"), format!("{level} 2")]);
    assert_eq!(log.lines(), expected.collect::<Vec<_>>());
}

#[procpool::test]
async fn a_low_priority_does_not_starve() {
    let (pool, _gate, _task, visitor) = busy_pool().await;
    let log = Log::open();
    let low = pool.with(priority(Priority::Lowest));
    let mut tasks = vec![low.run_in_process(leave, (log.path(), "low".to_owned()))];
    let high = pool.with(priority(Priority::High));
    for _ in 0..1_000 {
        tasks.push(high.run_in_process(leave, (log.path(), "high".to_owned())));
    }
    all_run(visitor, tasks).await;
    let before = position(&log.lines(), "low");
    assert!(before > 0, "there were higher ones");
    assert!(before < 1_000, "it had to wait for all of them");
}

#[procpool::test]
async fn a_queue_limit_holds_at_any_priority_and_in_any_share() {
    let (pool, _gate, _task, visitor) = busy_pool().await;
    let log = Log::open();
    let mut limited = Vec::new();
    for level in [Priority::Lowest, Priority::Normal, Priority::Highest] {
        let options = priority(level).queue_timeout(Duration::from_millis(20));
        for options in [
            options.clone(),
            options.clone().share(1),
            options.share("two"),
        ] {
            let handle = pool.with(options);
            limited.push(handle.run_in_process(leave, (log.path(), "late".to_owned())));
        }
    }
    for task in limited {
        assert!(patiently(task).await.unwrap_err().is_timed_out());
    }
    let task = pool.run_in_process(leave, (log.path(), "in time".to_owned()));
    all_run(visitor, vec![task]).await;
    assert_eq!(log.lines(), ["in time"]);
}

#[procpool::test]
async fn a_number_that_is_no_priority_is_a_clear_error() {
    for number in [i64::MIN, -3, 3, i64::MAX] {
        let error = Priority::try_from(number).unwrap_err();
        let expected = format!(
            "priority {number} is out of range: \
             it is a number from -2 (lowest) to 2 (highest), and 0 is normal"
        );
        assert_eq!(error.to_string(), expected);
    }
    let levels: Vec<_> = (-2..=2)
        .map(|number| Priority::try_from(number).unwrap())
        .collect();
    assert!(levels.is_sorted() && levels[2] == Priority::default());
}

#[procpool::test]
async fn a_tenant_with_few_tasks_does_not_wait_for_all_of_one_with_many() {
    let (pool, _gate, _task, visitor) = busy_pool().await;
    let log = Log::open();
    let many = pool.with(TaskOptions::new().share("many"));
    let few = pool.with(TaskOptions::new().share("few"));
    let mut tasks = Vec::new();
    for _ in 0..200 {
        tasks.push(many.run_in_process(leave, (log.path(), "many".to_owned())));
    }
    tasks.push(few.run_in_process(leave, (log.path(), "few".to_owned())));
    all_run(visitor, tasks).await;
    assert_eq!(position(&log.lines(), "few"), 1);
}

#[procpool::test]
async fn a_tenant_with_long_tasks_gets_no_more_time_than_one_with_short_tasks() {
    let (pool, _gate, _task, visitor) = busy_pool().await;
    let log = Log::open();
    let heavy = pool.with(TaskOptions::new().share("heavy"));
    let light = pool.with(TaskOptions::new().share("light"));
    let mut tasks = Vec::new();
    for n in 0..2 {
        tasks.push(heavy.run_in_process(leave_slowly, (log.path(), format!("heavy {n}"))));
    }
    for n in 0..20 {
        tasks.push(light.run_in_process(leave, (log.path(), format!("light {n}"))));
    }
    all_run(visitor, tasks).await;
    let lines = log.lines();
    let (first, second) = (position(&lines, "heavy 0"), position(&lines, "heavy 1"));
    // If they took turns, it would be one.
    assert!(second - first > 5, "{lines:?}");
}

#[procpool::test]
async fn a_task_prefers_the_worker_that_last_ran_its_key() {
    let (pool, gate) = (pool_of(3), Gate::open());
    let handles = ["a", "b", "c"].map(|key| pool.with(TaskOptions::new().affinity(key)));
    let mut homes = Vec::new();
    for handle in &handles {
        let task = handle.run_in_process(visit, gate.path());
        homes.push((task, gate.visitor().await));
    }
    let mut pids = Vec::new();
    for (task, visitor) in homes {
        pids.push(visitor.pid);
        visitor.let_go().await;
        patiently(task).await.expect("it has run");
    }
    for _ in 0..3 {
        for (handle, pid) in handles.iter().zip(&pids) {
            let task = handle.run_in_process(|_: ()| std::process::id(), ());
            assert_eq!(patiently(task).await.expect("it runs"), *pid);
        }
    }
}

#[procpool::test]
async fn no_task_waits_for_the_worker_of_its_key_while_another_is_idle() {
    let (pool, gate) = (pool_of(2), Gate::open());
    let handle = pool.with(TaskOptions::new().affinity(7));
    let held = handle.run_in_process(visit, gate.path());
    let home = gate.visitor().await;
    // Even if it is known to be short.
    for _ in 0..5 {
        let task = handle.run_in_process(|_: ()| std::process::id(), ());
        assert_ne!(patiently(task).await.expect("it runs"), home.pid);
    }
    home.let_go().await;
    patiently(held).await.expect("it has run");
}

#[procpool::test]
async fn a_key_whose_worker_died_moves_to_another() {
    let pool = pool_of(1);
    let handle = pool.with(TaskOptions::new().affinity("key"));
    let died = handle.run_in_process(die, ());
    assert!(patiently(died).await.unwrap_err().is_worker_exited());
    let task = handle.run_in_process(|x: u32| x, 1);
    assert_eq!(patiently(task).await.expect("it runs"), 1);
}

#[procpool::test]
async fn every_kind_of_call_has_the_priority_of_its_handle() {
    let (pool, _gate, _task, visitor) = busy_pool().await;
    let log = Log::open();
    let line = |line: &str| (log.path(), line.to_owned());
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(pool.run_in_process(leave, line("normal")));
    }
    let high = pool.with(priority(Priority::High));
    let permit = patiently(high.reserve()).await.expect("room");
    tasks.push(permit.run_in_process(leave, line("by permit")));
    let tried = high.try_run_in_process(leave, line("tried"));
    tasks.push(tried.expect("accepted"));
    let mut service = high.service(leave);
    let service = patiently(service.ready()).await.expect("ready");
    tasks.push(service.call(line("by service")));
    let timed = high.with_timeout(Duration::from_secs(60));
    tasks.push(timed.run_in_process(leave, line("timed")));
    let mut items = high.map(leave, [line("mapped")]);
    assert!(futures::poll!(items.next()).is_pending());
    all_run(visitor, tasks).await;
    let item = patiently(items.next()).await.expect("an item");
    item.expect("it has run");
    let mut lines = log.lines();
    assert_eq!(lines.split_off(lines.len() - 3), ["normal"; 3]);
    assert_eq!(
        lines,
        ["by permit", "tried", "by service", "timed", "mapped"]
    );
}
