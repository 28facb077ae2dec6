//! Invalid input is refused with a clear error and affects nothing else.

use std::error::Error;
use std::process;
use std::time::Duration;

use procpool::{BuildError, Builder, ProcessPool, TaskState};
use procpool_tests::{Gate, Manner, Plan, Side, Step, Trap, patiently, visit};

async fn pool() -> (ProcessPool, u32) {
    let pool = ProcessPool::builder().workers(1).build().expect("a pool");
    let pid = patiently(pool.run_in_process(|()| process::id(), ()));
    let pid = pid.await.expect("a worker");
    (pool, pid)
}

async fn assert_kept(pool: &ProcessPool, pid: u32) {
    let next = pool.run_in_process(|()| process::id(), ());
    assert_eq!(
        patiently(next).await.expect("the pool works"),
        pid,
        "its worker is gone"
    );
}

#[procpool::test]
async fn arguments_that_cannot_be_encoded_fail_their_task_alone() {
    let (pool, pid) = pool().await;
    let before = pool.run_in_process(|x: u8| x, 1);
    let trap = Trap::set(Side::Parent, Step::Serialize, Manner::Error);
    let task = pool.run_in_process(std::mem::forget, trap);
    let after = pool.run_in_process(|x: u8| x, 2);
    assert_eq!(task.state(), TaskState::Finished, "it failed in the call");
    let error = patiently(task).await.unwrap_err();
    assert!(error.is_encode(), "{error:?}");
    assert_eq!(error.to_string(), "the arguments can't be encoded: a trap");
    assert_eq!(patiently(before).await.unwrap(), 1);
    assert_eq!(patiently(after).await.unwrap(), 2);
    assert_kept(&pool, pid).await;
}

#[procpool::test]
async fn arguments_that_the_worker_cannot_decode_fail_their_task_alone() {
    let (pool, pid) = pool().await;
    let gate = Gate::open();
    let trap = Trap::set(Side::Worker, Step::Deserialize, Manner::Error);
    let task = pool.run_in_process(|(gate, _): (_, Trap)| visit(gate), (gate.path(), trap));
    let error = patiently(task).await.unwrap_err();
    assert!(error.is_decode(), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the worker can't decode the arguments: a trap"
    );
    assert!(!gate.has_visitor(), "the function was called");
    assert_kept(&pool, pid).await;
}

#[procpool::test]
async fn a_result_that_the_worker_cannot_encode_fails_its_task_alone() {
    let (pool, pid) = pool().await;
    let task = pool.run_in_process(Trap::from, plan(Side::Worker, Step::Serialize));
    let error = patiently(task).await.unwrap_err();
    assert!(error.is_decode(), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the worker can't encode the result: a trap"
    );
    assert_kept(&pool, pid).await;
}

#[procpool::test]
async fn a_result_that_the_parent_cannot_decode_fails_its_task_alone() {
    let (pool, pid) = pool().await;
    let task = pool.run_in_process(Trap::from, plan(Side::Parent, Step::Deserialize));
    let error = patiently(task).await.unwrap_err();
    assert!(error.is_decode(), "{error:?}");
    assert_eq!(error.to_string(), "the result can't be decoded: a trap");
    assert_kept(&pool, pid).await;
}

fn plan(side: Side, step: Step) -> Plan {
    Plan {
        side,
        step,
        manner: Manner::Error,
    }
}

#[procpool::test]
async fn bad_values_among_good_ones_fail_alone() {
    let (pool, pid) = pool().await;
    let steps = [
        (Side::Parent, Step::Serialize),
        (Side::Worker, Step::Deserialize),
        (Side::Worker, Step::Serialize),
        (Side::Parent, Step::Deserialize),
    ];
    for manner in [Manner::Error, Manner::Panic, Manner::Bomb] {
        let tasks: Vec<_> = (0..200)
            .map(|i| {
                let (side, step) = steps[i % steps.len()];
                let bad = pool.run_in_process(|trap: Trap| trap, Trap::set(side, step, manner));
                (bad, pool.run_in_process(|i: usize| i, i))
            })
            .collect();
        for (i, (bad, good)) in tasks.into_iter().enumerate() {
            assert!(patiently(bad).await.is_err());
            assert_eq!(patiently(good).await.unwrap(), i);
        }
    }
    assert_kept(&pool, pid).await;
}

#[procpool::test]
async fn a_task_that_is_polled_after_its_end_gives_an_error() {
    let (pool, _) = pool().await;
    let mut task = pool.run_in_process(|x: u8| x, 1);
    assert_eq!(patiently(&mut task).await.unwrap(), 1);
    assert!(patiently(&mut task).await.is_err());
    assert!(patiently(&mut task).await.is_err());
    let trap = Trap::set(Side::Parent, Step::Serialize, Manner::Error);
    let mut task = pool.run_in_process(std::mem::forget, trap);
    assert!(patiently(&mut task).await.unwrap_err().is_encode());
    assert!(patiently(&mut task).await.is_err());
}

fn refusal(builder: Builder) -> BuildError {
    builder.build().expect_err("there can't be such a pool")
}

#[procpool::test]
async fn a_pool_without_workers_is_refused() {
    let what_to_do = "give it at least one, and min <= max";
    for builder in [
        ProcessPool::builder().workers(0),
        ProcessPool::builder().max_workers(0),
        ProcessPool::builder().min_workers(3).max_workers(2),
    ] {
        let error = refusal(builder);
        assert!(matches!(error, BuildError::Workers { .. }), "{error:?}");
        assert!(error.to_string().contains(what_to_do), "{error}");
    }
    let error = refusal(ProcessPool::builder().min_workers(3).max_workers(2));
    assert!(error.to_string().contains("3 to 2 workers"), "{error}");
}

#[procpool::test]
async fn a_pool_may_keep_no_worker_when_idle() {
    let pool = ProcessPool::builder()
        .min_workers(0)
        .max_workers(1)
        .build()
        .unwrap();
    let task = pool.run_in_process(|x: u8| x, 1);
    assert_eq!(patiently(task).await.unwrap(), 1);
}

#[procpool::test]
async fn impossible_options_are_refused_by_name() {
    let refused = [
        (
            ProcessPool::builder().max_tasks_per_worker(0),
            "`max_tasks_per_worker` can't be 0: a worker must be allowed one task",
        ),
        (
            ProcessPool::builder().startup_timeout(Duration::ZERO),
            "`startup_timeout` can't be 0: a worker takes about two milliseconds",
        ),
        (
            ProcessPool::builder().name("nul\0"),
            r#"`name` can't be "nul\0": it becomes an argument"#,
        ),
    ];
    for (builder, text) in refused {
        let error = refusal(builder);
        assert!(matches!(error, BuildError::Option { .. }), "{error:?}");
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[procpool::test]
async fn a_pool_may_have_any_name() {
    for name in [
        "",
        "--help",
        "ünïcödé 🦀",
        "two\nlines",
        "--procpool-worker",
    ] {
        let pool = ProcessPool::builder().workers(1).name(name);
        let pool = pool.build().unwrap();
        let task = pool.run_in_process(|x: u8| x, 1);
        assert_eq!(patiently(task).await.unwrap(), 1);
    }
}

#[procpool::test]
async fn building_outside_a_runtime_gives_an_error_and_no_panic() {
    let error = std::thread::spawn(|| refusal(ProcessPool::builder()))
        .join()
        .expect("no panic");
    assert!(matches!(error, BuildError::Runtime(_)), "{error:?}");
    assert!(
        error.to_string().contains("needs a tokio runtime"),
        "{error}"
    );
}

#[procpool::test]
async fn building_on_a_runtime_without_io_gives_an_error_and_no_panic() {
    let error = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async { refusal(ProcessPool::builder()) })
    })
    .join()
    .expect("no panic");
    assert!(matches!(error, BuildError::Runtime(_)), "{error:?}");
    assert!(error.to_string().contains("enable_io()"), "{error}");
}

#[procpool::test]
async fn a_build_error_names_its_cause_once() {
    let error = refusal(ProcessPool::builder().workers(0));
    assert!(error.source().is_none());
    assert_eq!(error.to_string().lines().count(), 1);
}

#[procpool::test]
async fn a_closed_pool_refuses_tasks() {
    let (pool, _) = pool().await;
    let other = pool.clone();
    pool.close();
    assert!(other.is_closed());
    let task = other.run_in_process(|x: u8| x, 1);
    assert_eq!(task.state(), TaskState::Finished);
    let error = patiently(task).await.unwrap_err();
    assert!(error.is_pool_closed(), "{error:?}");
    assert_eq!(error.to_string(), "the pool is closed");
}

#[procpool::test]
async fn a_full_queue_refuses_tasks_until_there_is_room() {
    let gate = Gate::open();
    let pool = ProcessPool::builder().workers(1).queue_capacity(2);
    let pool = pool.build().unwrap();
    let blocker = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let waiting = [1, 2].map(|x| pool.run_in_process(|x: u8| x, x));
    let refused = pool.run_in_process(|x: u8| x, 3);
    assert_eq!(refused.state(), TaskState::Finished);
    let error = patiently(refused).await.unwrap_err();
    assert!(error.is_queue_full(), "{error:?}");
    assert_eq!(error.to_string(), "the pool's queue is full");
    // A cancelled task makes room, and refused tasks hold none.
    let [first, second] = waiting;
    drop(first);
    let accepted = pool.run_in_process(|x: u8| x, 4);
    assert_eq!(accepted.state(), TaskState::Queued);
    assert!(patiently(pool.run_in_process(|x: u8| x, 5)).await.is_err());
    visitor.let_go().await;
    patiently(blocker).await.unwrap();
    assert_eq!(patiently(second).await.unwrap(), 2);
    assert_eq!(patiently(accepted).await.unwrap(), 4);
    assert_eq!(
        patiently(pool.run_in_process(|x: u8| x, 6)).await.unwrap(),
        6
    );
}

#[procpool::test]
async fn without_a_queue_a_task_goes_to_a_free_worker_or_is_refused() {
    let gate = Gate::open();
    let pool = ProcessPool::builder().workers(1).queue_capacity(0);
    let pool = pool.build().unwrap();
    let running = pool.run_in_process(visit, gate.path());
    let visitor = gate.visitor().await;
    let refused = pool.run_in_process(|x: u8| x, 1);
    assert!(patiently(refused).await.unwrap_err().is_queue_full());
    visitor.let_go().await;
    patiently(running).await.unwrap();
    assert_eq!(
        patiently(pool.run_in_process(|x: u8| x, 2)).await.unwrap(),
        2
    );
}
