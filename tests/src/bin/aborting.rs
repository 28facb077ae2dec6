//! A program built with `panic = "abort"` that asserts how its pool reports panics.
//!
//! With an argument, it is a parent that panics itself while its worker computes. Before that it prints
//! the worker's process id.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt::Debug;
use std::path::PathBuf;
use std::process;

use futures::StreamExt;
use futures::future::join_all;
use procpool::{Panic, ProcessPool, Task, TaskError, TaskOptions, WorkerExit, worker};
use procpool_tests::{
    Gate, Log, Manner, Plan, Side, Step, Trap, note, patiently, visit_and_linger,
};
use serde::de::DeserializeOwned;

#[procpool::main(flavor = "current_thread")]
async fn main() {
    let aborts = cfg!(panic = "abort");
    assert!(aborts, "build it with `--profile abort`");
    if std::env::args().len() > 1 {
        return panic_over_a_worker().await;
    }
    a_panic_has_its_message_and_its_place().await;
    a_new_worker_takes_over_and_nothing_is_retried().await;
    panics_among_many_tasks_fail_only_their_own().await;
    a_panic_among_the_items_of_a_map_costs_that_item().await;
    other_code_of_the_users_may_panic_too().await;
    a_panic_that_the_function_would_catch_is_told_too().await;
    a_panic_without_the_hook_is_an_abort().await;
    a_panic_in_another_thread_is_an_abort().await;
    a_long_message_comes_back_whole().await;
    a_backtrace_comes_along_if_asked_for().await;
    a_panic_of_the_initializer_is_told_as_one().await;
    a_panic_of_a_broadcast_is_told_as_one().await;
    the_state_ends_with_its_worker().await;
    a_state_that_panics_in_its_drop_is_no_matter().await;
    a_pool_that_has_seen_panics_ends_cleanly().await;
    println!("as promised");
}

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder()
        .workers(workers)
        .build()
        .expect("a pool")
}

async fn pid(pool: &ProcessPool) -> u32 {
    let pid = pool.run_in_process(|()| process::id(), ());
    patiently(pid).await.expect("the pool works")
}

async fn panic_of<R>(task: Task<R>) -> Panic
where
    R: DeserializeOwned + Debug + 'static,
{
    match patiently(task).await {
        Err(TaskError::Panicked(panic)) => panic,
        other => panic!("it was to panic: {other:?}"),
    }
}

async fn exit_of(task: Task<()>) -> WorkerExit {
    match patiently(task).await {
        Err(TaskError::WorkerExited(exit)) => exit,
        other => panic!("it was to abort: {other:?}"),
    }
}

fn fail(number: u32) -> u32 {
    if number % 7 == 3 {
        panic!("{number} is one of those")
    }
    number
}

#[track_caller]
fn assert_here(panic: &Panic) {
    let location = panic.location().expect("a place");
    let mut parts = location.rsplitn(3, ':');
    let numbers = [parts.next(), parts.next()].map(|part| part.and_then(|part| part.parse().ok()));
    assert!(numbers.iter().all(|number: &Option<u32>| number.is_some()));
    assert!(
        parts.next().is_some_and(|file| file.ends_with(file!())),
        "{location}"
    );
}

async fn a_panic_has_its_message_and_its_place() {
    let pool = pool_of(1);
    let panic = panic_of(pool.run_in_process(fail, 3)).await;
    assert_eq!(panic.message(), "3 is one of those");
    assert_here(&panic);
    assert!(panic.to_string().ends_with(": 3 is one of those"));
    let panic = panic_of(pool.run_in_process(|()| -> () { panic!("no arguments") }, ())).await;
    assert_eq!(panic.message(), "no arguments");
    let nothing = |()| -> () { std::panic::panic_any(13) };
    let panic = panic_of(pool.run_in_process(nothing, ())).await;
    assert_eq!(panic.message(), "the panic's payload is not a string");
    assert_here(&panic);
}

async fn a_new_worker_takes_over_and_nothing_is_retried() {
    let (pool, log) = (pool_of(1), Log::open());
    let retrying = pool.with(TaskOptions::new().retries(3));
    let first = pid(&pool).await;
    let note_and_panic = |log: PathBuf| -> () {
        note(&log, "it ran");
        panic!("once")
    };
    let panic = panic_of(retrying.run_in_process(note_and_panic, log.path())).await;
    assert_eq!(panic.message(), "once");
    assert_ne!(pid(&pool).await, first);
    let number = pool.run_in_process(|()| worker::id(), ());
    assert_eq!(patiently(number).await.expect("it works"), Some(2));
    assert_eq!(log.lines(), ["it ran"]);
}

async fn panics_among_many_tasks_fail_only_their_own() {
    let pool = pool_of(2);
    let tasks = (0..210).map(|number| pool.run_in_process(fail, number));
    let ends = patiently(join_all(tasks)).await;
    for (number, end) in (0..).zip(ends) {
        match end {
            Ok(same) => assert_eq!((same, number % 7 == 3), (number, false)),
            Err(TaskError::Panicked(panic)) => {
                assert_eq!(panic.message(), format!("{number} is one of those"));
            }
            Err(error) => panic!("{number}: {error:?}"),
        }
    }
}

/// The panic is reported while earlier results wait to be sent, and neither is lost.
async fn a_panic_among_the_items_of_a_map_costs_that_item() {
    let pool = pool_of(1);
    let ends = pool.map(fail, 0..20).chunk_size(20).collect::<Vec<_>>();
    for (number, end) in (0..).zip(patiently(ends).await) {
        match end {
            Ok(same) => assert_eq!((same, number % 7 == 3), (number, false)),
            Err(TaskError::Panicked(panic)) => {
                assert_eq!(panic.message(), format!("{number} is one of those"));
            }
            Err(error) => panic!("{number}: {error:?}"),
        }
    }
}

async fn other_code_of_the_users_may_panic_too() {
    let pool = pool_of(1);
    // In the worker. In this process, where arguments are encoded, it would end the process.
    let decoding = Trap::set(Side::Worker, Step::Deserialize, Manner::Panic);
    let panic = panic_of(pool.run_in_process(|trap: Trap| drop(trap), decoding)).await;
    assert_eq!(panic.message(), "a trap");
    let plan = Plan {
        side: Side::Worker,
        step: Step::Serialize,
        manner: Manner::Panic,
    };
    let panic = panic_of(pool.run_in_process(Trap::from, plan)).await;
    assert_eq!(panic.message(), "a trap");
    let first = pid(&pool).await;
    assert_eq!(pid(&pool).await, first);
}

/// This panic can't be caught, so the process aborts. The error still reports the panic.
async fn a_panic_that_the_function_would_catch_is_told_too() {
    let pool = pool_of(1);
    let catch = |()| std::panic::catch_unwind(|| panic!("not to be caught")).is_err();
    let panic = panic_of(pool.run_in_process(catch, ())).await;
    assert_eq!(panic.message(), "not to be caught");
}

async fn a_panic_without_the_hook_is_an_abort() {
    let pool = pool_of(1);
    let without = |()| {
        std::panic::set_hook(Box::new(|_| {}));
        panic!("nobody hears it");
    };
    assert_eq!(
        exit_of(pool.run_in_process(without, ())).await.signal(),
        Some(6)
    );
    pid(&pool).await;
}

/// With unwinding, such a panic would end only its thread.
async fn a_panic_in_another_thread_is_an_abort() {
    let pool = pool_of(1);
    let elsewhere = |()| {
        let thread = std::thread::spawn(|| panic!("in a thread"));
        let _ = thread.join();
    };
    let exit = exit_of(pool.run_in_process(elsewhere, ())).await;
    assert_eq!((exit.code(), exit.signal()), (None, Some(6)));
    assert!(exit.stderr_tail().contains("in a thread"), "{exit:?}");
    pid(&pool).await;
}

async fn a_long_message_comes_back_whole() {
    let pool = pool_of(1);
    let long = |bytes: usize| -> () { panic!("{}", "x".repeat(bytes)) };
    let panic = panic_of(pool.run_in_process(long, 4 << 20)).await;
    assert_eq!(panic.message().len(), 4 << 20);
    assert!(panic.message().bytes().all(|byte| byte == b'x'));
}

async fn a_backtrace_comes_along_if_asked_for() {
    for (value, is_asked_for) in [("1", true), ("0", false)] {
        let pool = ProcessPool::builder()
            .workers(1)
            .env("RUST_BACKTRACE", value)
            .build()
            .expect("a pool");
        let panic = panic_of(pool.run_in_process(fail, 3)).await;
        assert_eq!(panic.backtrace().is_some(), is_asked_for);
    }
}

async fn a_panic_of_the_initializer_is_told_as_one() {
    let stumble = |()| -> u8 { panic!("no licence") };
    let pool = ProcessPool::builder().workers(1).initializer(stumble, ());
    let pool = pool.build().expect("a pool");
    let error = patiently(pool.run_in_process(|()| (), ())).await;
    let error = error.expect_err("there is no worker");
    assert!(error.is_worker_start(), "{error:?}");
    let cause = error.source().expect("a cause").to_string();
    let begin = format!("the initializer panicked at {}:", file!());
    assert!(cause.starts_with(&begin), "{cause}");
    assert!(cause.ends_with(": no licence"), "{cause}");
}

async fn a_panic_of_a_broadcast_is_told_as_one() {
    fn stumble(_: ()) {
        panic!("no permission")
    }
    let pool = ProcessPool::builder().workers(1).broadcast(stumble, ());
    let pool = pool.build().expect("a pool");
    let error = patiently(pool.warm_up()).await;
    let error = error.expect_err("there is no worker");
    let cause = error.source().expect("a cause").to_string();
    let begin = format!("a broadcast panicked at {}:", file!());
    assert!(cause.starts_with(&begin), "{cause}");
    assert!(cause.ends_with(": no permission"), "{cause}");

    let pool = pool_of(1);
    patiently(pool.warm_up()).await.expect("a worker");
    let error = patiently(pool.broadcast(stumble, ())).await;
    let error = error.expect_err("it panicked");
    let cause = error.source().expect("a cause").to_string();
    assert!(cause.starts_with(&begin), "{cause}");
    patiently(pool.run_in_process(|()| (), ()))
        .await
        .expect("a new worker, that does not run it");
}

/// With unwinding, the worker and its state would survive.
async fn the_state_ends_with_its_worker() {
    let pool = ProcessPool::builder().workers(1).initializer(|()| 0, ());
    let pool = pool.build().expect("a pool");
    fn count(state: &mut u32, step: u32) -> u32 {
        *state += step;
        assert!(step < 10, "it is too much");
        *state
    }
    for _ in 0..2 {
        assert_eq!(patiently(pool.run_with_state(count, 1)).await.ok(), Some(1));
        let panic = panic_of(pool.run_with_state(count, 10)).await;
        assert_eq!(panic.message(), "it is too much");
    }
}

async fn a_state_that_panics_in_its_drop_is_no_matter() {
    let state = |()| Trap::set(Side::Worker, Step::Drop, Manner::Panic);
    let pool = ProcessPool::builder().workers(1).initializer(state, ());
    let pool = pool.build().expect("a pool");
    pid_with_state(&pool).await;
    patiently(pool.shutdown()).await;
}

async fn pid_with_state(pool: &ProcessPool<Trap>) -> u32 {
    let pid = pool.run_with_state(|_, ()| process::id(), ());
    patiently(pid).await.expect("the pool works")
}

async fn a_pool_that_has_seen_panics_ends_cleanly() {
    let pool = pool_of(2);
    let tasks = [3, 10, 17, 24].map(|number| pool.run_in_process(fail, number));
    for task in tasks {
        let _ = panic_of(task).await;
    }
    patiently(pool.shutdown()).await;
    assert!(procpool_tests::children().is_empty());
}

async fn panic_over_a_worker() {
    let (pool, gate) = (pool_of(1), Gate::open());
    pool.run_in_process(visit_and_linger, gate.path()).detach();
    println!("{}", gate.visitor().await.pid);
    // Until the test has seen it.
    std::io::stdin()
        .read_line(&mut String::new())
        .expect("a line");
    // The arguments are encoded in this process.
    let trap = Trap::set(Side::Parent, Step::Serialize, Manner::Panic);
    let _ = pool.run_in_process(|trap: Trap| drop(trap), trap).await;
}
