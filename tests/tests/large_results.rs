//! A large result is read by a thread of its own, which ends after the result has arrived or was cut off.
//!
//! As in `hostile_worker`, this executable is its own hostile worker: the first worker of each pool.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::fs;
use std::path::Path;
use std::process::exit;

use bytes::Bytes;
use procpool::{ProcessPool, Task, TaskError};
use procpool_tests::{Impostor, Stage, Traces, alone, answer, patiently};

use tokio::runtime::{Builder, Runtime};

procpool_os::before_main!(become_a_worker_if_told_to);

fn become_a_worker_if_told_to() {
    Stage::enter(misbehave);
}

/// More than the socket buffer holds.
const MUCH: usize = 16 << 20;

/// Less than the socket buffer holds, but still large.
const LESS: usize = 5 << 20;

fn misbehave(script: &str, directory: &Path) -> ! {
    let mut impostor = Impostor::enter();
    impostor.send_ready();
    let task = impostor.next_run().dispatch_id;
    let answer = |len| answer(task, &Bytes::from(vec![7; len]));
    match script {
        "dies in the middle" => {
            impostor.send(&answer(MUCH)[..MUCH / 2]);
            exit(4);
        }
        "leaves its socket in the middle" => {
            impostor.send(&answer(MUCH)[..MUCH / 2]);
            impostor.bequeath(directory, "echo $$ >heir; exec cat >/dev/null");
            exit(4);
        }
        "exits after it" => {
            impostor.send(&answer(LESS));
            exit(5);
        }
        "stops in the middle" => {
            // Its socket stays open when it is killed.
            impostor.bequeath(directory, "echo $$ >heir; exec cat >/dev/null");
            impostor.send(&answer(MUCH)[..MUCH / 2]);
        }
        other => panic!("there is no script {other:?}"),
    }
    loop {
        std::thread::park();
    }
}

fn bytes(pool: &ProcessPool) -> Task<Vec<u8>> {
    pool.run_in_process(|()| vec![1; MUCH], ())
}

/// Checks that the pool has an ordinary worker now.
async fn goes_on(pool: &ProcessPool) {
    assert_eq!(patiently(bytes(pool)).await.unwrap(), vec![1; MUCH]);
}

/// Waits until this process has a thread that reads a result.
async fn a_thread_reads() {
    let is_one = || {
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        tasks.flatten().any(|task| {
            let name = fs::read_to_string(task.path().join("comm"));
            name.is_ok_and(|name| name == "procpool-bulk\n")
        })
    };
    patiently(async {
        while !is_one() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// One runtime of each kind, one after the other.
fn runtimes() -> impl Iterator<Item = Runtime> {
    let kinds = [Builder::new_multi_thread, Builder::new_current_thread];
    kinds.into_iter().map(|kind| {
        let runtime = kind().worker_threads(2).enable_all().build();
        runtime.unwrap()
    })
}

/// Returns the resources after a runtime has existed, since it leaves some behind.
fn traces() -> Traces {
    // It has no threads, which would end a moment later.
    drop(Builder::new_current_thread().enable_all().build().unwrap());
    Traces::now()
}

/// The worker's death cuts the first result off, and its pool keeps working.
async fn is_cut_off(stage: &Stage) {
    let pool = stage.pool();
    let error = patiently(bytes(&pool)).await.unwrap_err();
    let TaskError::WorkerExited(exit) = error else {
        panic!("{error:?}");
    };
    assert_eq!((exit.code(), exit.signal()), (Some(4), None));
    goes_on(&pool).await;
}

#[test]
fn a_worker_that_dies_in_the_middle_of_a_result_gives_none() {
    for runtime in runtimes() {
        runtime.block_on(is_cut_off(&Stage::of("dies in the middle")));
    }
}

#[test]
fn a_process_that_keeps_the_socket_of_such_a_worker_open_blocks_nothing() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let stage = Stage::of("leaves its socket in the middle");
            is_cut_off(&stage).await;
            // It exits by itself, because no process has kept the other end.
            stage.heir().await.ended();
        });
    }
}

#[test]
fn a_worker_that_exits_after_its_result_loses_nothing() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let stage = Stage::of("exits after it");
            let pool = stage.pool();
            assert_eq!(patiently(bytes(&pool)).await.unwrap(), vec![7; LESS]);
            goes_on(&pool).await;
        });
    }
}

#[test]
fn a_task_that_is_cancelled_in_the_middle_leaves_nothing() {
    alone(|| {
        let outside = traces();
        for runtime in runtimes() {
            runtime.block_on(async {
                let stage = Stage::of("stops in the middle");
                let before = Traces::now();
                let pool = stage.pool();
                let task = bytes(&pool);
                a_thread_reads().await;
                drop(task);
                goes_on(&pool).await;
                patiently(pool.shutdown()).await;
                drop(pool);
                before.are_back().await;
                stage.heir().await.ended();
            });
            drop(runtime);
            // Its threads end a moment later, and must be gone before the next one.
            outside.are_back_blocking();
        }
    });
}

#[test]
fn a_runtime_that_is_dropped_in_the_middle_leaves_nothing() {
    alone(|| {
        let before = traces();
        for runtime in runtimes() {
            let stage = Stage::of("stops in the middle");
            let pool = runtime.block_on(async { stage.pool() });
            let task = bytes(&pool);
            runtime.block_on(a_thread_reads());
            drop((pool, runtime));
            let other = Builder::new_current_thread().enable_all().build().unwrap();
            let error = other.block_on(patiently(task)).unwrap_err();
            assert!(error.is_pool_closed(), "{error:?}");
            drop(other);
            before.are_back_blocking();
        }
    });
}
