//! A panic fails its task, and its worker keeps running.

use std::error::Error;
use std::panic::{self, panic_any};
use std::process::Command;

use procpool::{Panic, ProcessPool, TaskError};
use procpool_tests::{Bomb, Manner, Plan, Side, Step, Trap, patiently};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A pool of one worker, and that worker's process.
async fn pool() -> (ProcessPool, u32) {
    let pool = ProcessPool::builder().workers(1).build().expect("a pool");
    let pid = patiently(pool.run_in_process(|()| std::process::id(), ()));
    let pid = pid.await.expect("a worker");
    (pool, pid)
}

/// Returns the panic of `function(args)`; its worker must run the next task.
async fn panic_of<A, R>(function: fn(A) -> R, args: A) -> Panic
where
    A: Serialize + DeserializeOwned + 'static,
    R: Serialize + DeserializeOwned + 'static,
{
    let (pool, pid) = pool().await;
    let end = patiently(pool.run_in_process(function, args)).await;
    assert_kept(&pool, pid).await;
    match end {
        Err(TaskError::Panicked(panic)) => panic,
        Err(error) => panic!("another error: {error:?}"),
        Ok(_) => panic!("it has a result"),
    }
}

async fn assert_kept(pool: &ProcessPool, pid: u32) {
    let next = pool.run_in_process(|()| std::process::id(), ());
    assert_eq!(
        patiently(next).await.expect("the pool works"),
        pid,
        "its worker is gone"
    );
}

/// Returns the location of a line of this file as a panic reports it: `file:line:column`.
fn is_at(panic: &Panic, line: u32) -> bool {
    let here = format!("{}:{line}:", file!());
    panic.location().is_some_and(|at| at.starts_with(&here))
}

const LINE_OF_PANIC: u32 = line!() + 2;
fn panics_with_arguments(x: u32) {
    panic!("no luck with {x}")
}

fn panics_with(message: String) {
    panic!("{message}")
}

fn panics_with_a_number((): ()) {
    panic_any(5)
}

fn panics_with_a_bomb((): ()) {
    panic_any(Bomb)
}

fn resumes(message: String) {
    panic::resume_unwind(Box::new(message))
}

const LINE_OF_UNWRAP: u32 = line!() + 3;
fn unwraps_none(nothing: Option<u8>) -> u8 {
    #[allow(clippy::unwrap_used)]
    nothing.unwrap()
}

#[procpool::test]
async fn a_panic_has_its_message_and_location() {
    let panic = panic_of(panics_with_arguments, 13).await;
    assert_eq!(panic.message(), "no luck with 13");
    assert!(is_at(&panic, LINE_OF_PANIC), "{panic}");

    let panic = panic_of(unwraps_none, None).await;
    assert!(panic.message().contains("`None`"), "{panic}");
    assert!(is_at(&panic, LINE_OF_UNWRAP), "{panic}");
}

#[procpool::test]
async fn a_panic_without_arguments_has_a_message_too() {
    let panic = panic_of(panics_with, "no luck".to_owned()).await;
    assert_eq!(panic.message(), "no luck");
}

#[procpool::test]
async fn the_error_of_a_panic_has_message_and_location_in_one_line() {
    let (pool, _) = pool().await;
    let task = pool.run_in_process(panics_with, "one\ntwo\n\nthree".to_owned());
    let error = patiently(task).await.unwrap_err();
    assert!(error.is_panicked());
    let line = error.to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.contains(file!()) && line.ends_with(": one"), "{line}");
    assert!(error.source().is_none(), "the line has said it all");
    let TaskError::Panicked(panic) = error else {
        panic!("another error: {error:?}");
    };
    assert_eq!(panic.message(), "one\ntwo\n\nthree");
}

#[procpool::test]
async fn a_payload_that_is_not_a_string_is_described() {
    let panic = panic_of(panics_with_a_number, ()).await;
    assert!(panic.message().contains("not a string"), "{panic}");
    assert!(panic.location().is_some());
}

#[procpool::test]
async fn a_payload_that_panics_when_it_is_dropped_costs_no_worker() {
    let panic = panic_of(panics_with_a_bomb, ()).await;
    assert!(panic.message().contains("not a string"), "{panic}");
}

#[procpool::test]
async fn an_argument_that_panics_when_it_is_dropped_fails_its_task() {
    let trap = Trap::set(Side::Worker, Step::Drop, Manner::Panic);
    let panic = panic_of(|trap: Trap| drop(trap), trap).await;
    assert_eq!(panic.message(), "a trap");
}

#[procpool::test]
async fn a_result_that_panics_when_it_is_dropped_fails_its_task() {
    let plan = plan(Side::Worker, Step::Drop);
    let panic = panic_of(|plan: Plan| Trap::from(plan), plan).await;
    assert_eq!(panic.message(), "a trap");
}

#[procpool::test]
async fn a_deserialize_that_panics_in_the_worker_fails_its_task() {
    let trap = Trap::set(Side::Worker, Step::Deserialize, Manner::Panic);
    let panic = panic_of(|_: Trap| (), trap).await;
    assert_eq!(panic.message(), "a trap");
}

#[procpool::test]
async fn a_serialize_that_panics_in_the_worker_fails_its_task() {
    let plan = plan(Side::Worker, Step::Serialize);
    let panic = panic_of(|plan: Plan| Trap::from(plan), plan).await;
    assert_eq!(panic.message(), "a trap");
}

fn plan(side: Side, step: Step) -> Plan {
    Plan {
        side,
        step,
        manner: Manner::Panic,
    }
}

#[procpool::test]
async fn arguments_that_panic_in_the_parent_fail_their_task_alone() {
    let (pool, pid) = pool().await;
    for step in [Step::Serialize, Step::Drop] {
        for manner in [Manner::Panic, Manner::Bomb] {
            let trap = Trap::set(Side::Parent, step, manner);
            let task = pool.run_in_process(std::mem::forget, trap);
            let error = patiently(task).await.unwrap_err();
            assert!(error.is_encode(), "{step:?}, {manner:?}: {error:?}");
            assert!(error.to_string().contains("panicked"), "{error}");
        }
    }
    assert_kept(&pool, pid).await;
}

#[procpool::test]
async fn a_result_that_panics_in_the_parent_fails_its_task_alone() {
    let (pool, pid) = pool().await;
    for manner in [Manner::Panic, Manner::Bomb] {
        let plan = Plan {
            manner,
            ..plan(Side::Parent, Step::Deserialize)
        };
        let task = pool.run_in_process(|plan: Plan| Trap::from(plan), plan);
        let error = patiently(task).await.unwrap_err();
        assert!(error.is_decode(), "{manner:?}: {error:?}");
        assert!(error.to_string().contains("panicked"), "{error}");
    }
    assert_kept(&pool, pid).await;
}

#[procpool::test]
async fn a_panic_in_a_thread_of_the_function_does_not_fail_its_task() {
    let (pool, pid) = pool().await;
    let task = pool.run_in_process(
        |()| {
            let thread = std::thread::spawn(|| panic!("in a thread"));
            thread.join().is_err()
        },
        (),
    );
    assert!(patiently(task).await.unwrap());
    assert_kept(&pool, pid).await;
}

#[procpool::test]
async fn a_panic_in_a_thread_is_not_taken_for_that_of_the_task() {
    let panic = panic_of(
        |()| {
            let thread = std::thread::spawn(|| panic!("in a thread"));
            let _ = thread.join();
            panics_with_arguments(2);
        },
        (),
    )
    .await;
    assert_eq!(panic.message(), "no luck with 2");
    assert!(is_at(&panic, LINE_OF_PANIC), "{panic}");
}

#[procpool::test]
async fn a_panic_that_the_function_caught_has_no_effect() {
    let (pool, pid) = pool().await;
    let task = pool.run_in_process(
        |()| panic::catch_unwind(|| panics_with_arguments(1)).is_err(),
        (),
    );
    assert!(patiently(task).await.unwrap());
    assert_kept(&pool, pid).await;
}

#[procpool::test]
async fn a_resumed_panic_keeps_its_message_and_location() {
    fn resumes_what_it_caught((): ()) {
        let caught = panic::catch_unwind(|| panics_with_arguments(3));
        panic::resume_unwind(caught.unwrap_err());
    }
    let panic = panic_of(resumes_what_it_caught, ()).await;
    assert_eq!(panic.message(), "no luck with 3");
    assert!(is_at(&panic, LINE_OF_PANIC), "{panic}");
}

#[procpool::test]
async fn a_resumed_panic_does_not_get_the_location_of_another() {
    fn resumes_another((): ()) {
        drop(panic::catch_unwind(|| panics_with_arguments(4)));
        panic::resume_unwind(Box::new("resumed"));
    }
    let panic = panic_of(resumes_another, ()).await;
    assert_eq!(panic.message(), "resumed");
    assert_eq!(panic.location(), None);
    assert_eq!(panic.to_string(), "the function panicked: resumed");
}

#[procpool::test]
async fn a_panic_does_not_mention_an_earlier_one() {
    let (pool, _) = pool().await;
    let first = pool.run_in_process(panics_with_arguments, 5);
    let second = pool.run_in_process(resumes, "no luck with 5".to_owned());
    assert!(patiently(first).await.unwrap_err().is_panicked());
    let Err(TaskError::Panicked(panic)) = patiently(second).await else {
        panic!("it did not panic");
    };
    assert_eq!(panic.location(), None);
}

#[procpool::test]
async fn a_large_panic_message_is_complete() {
    let panic = panic_of(panics_with, "x".repeat(3 << 20)).await;
    assert_eq!(panic.message().len(), 3 << 20);
}

#[procpool::test]
async fn panics_among_many_tasks_fail_only_their_own() {
    let (pool, pid) = pool().await;
    let tasks: Vec<_> = (0..1000)
        .map(|x| pool.run_in_process(|x: u32| assert!(!x.is_multiple_of(50), "{x} is"), x))
        .collect();
    for (x, task) in tasks.into_iter().enumerate() {
        match (x % 50, patiently(task).await) {
            (0, Err(TaskError::Panicked(panic))) => assert_eq!(panic.message(), format!("{x} is")),
            (1.., Ok(())) => {}
            (_, end) => panic!("task {x}: {end:?}"),
        }
    }
    assert_kept(&pool, pid).await;
}

/// A process reads the environment once, so these tests have a process of their own.
fn in_a_process_with(backtrace: &str, test: &str) -> bool {
    const MARK: &str = "PROCPOOL_TESTS_BACKTRACE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().expect("a test"))
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .env("RUST_BACKTRACE", backtrace)
        .env_remove("RUST_LIB_BACKTRACE")
        .output()
        .expect("a test can be started again");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{}\n{told}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

#[procpool::test]
async fn a_panic_has_a_backtrace_if_the_environment_enables_it() {
    let name = "a_panic_has_a_backtrace_if_the_environment_enables_it";
    if in_a_process_with("1", name) {
        let panic = panic_of(panics_with_arguments, 1).await;
        let backtrace = panic.backtrace().expect("it was asked for");
        assert!(backtrace.contains("panics_with_arguments"), "{backtrace}");
    }
}

#[procpool::test]
async fn a_panic_has_no_backtrace_by_default() {
    if in_a_process_with("0", "a_panic_has_no_backtrace_by_default") {
        let panic = panic_of(panics_with_arguments, 1).await;
        assert_eq!(panic.backtrace(), None);
    }
}
