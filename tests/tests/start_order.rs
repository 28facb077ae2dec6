//! When workers are started, relative to other events.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::path::Path;
use std::time::Duration;

use procpool::{ProcessPool, TaskState};
use procpool_os::{ControlPage, lifeline, socket, stdio};
use procpool_tests::{alone, children, kill, patiently};
use tokio::runtime::{Builder, Runtime};

procpool_os::before_main!(become_a_worker_if_told_to);

fn become_a_worker_if_told_to() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--procpool-worker") {
        let name = arguments.next().expect("the pool's name");
        if let Some(path) = name.strip_prefix("listens ") {
            tell_how_long_it_may_listen(Path::new(path));
        }
    }
    procpool::init();
}

/// Reports how long a worker that has just been started may spin for its first task before it sleeps.
fn tell_how_long_it_may_listen(path: &Path) -> ! {
    // A worker that closes its lifeline or socket is killed.
    let socket = stdio::take_stdin_socket().expect("a parent");
    let (_, descriptors) =
        socket::receive_with_descriptors(&socket, &mut [0; 4096], 2).expect("a first message");
    let [page, lifeline] = <[_; 2]>::try_from(descriptors).expect("a page and a lifeline");
    let _ = lifeline::arm(lifeline).expect("a lifeline");
    let limit = ControlPage::attach(page).expect("a page").spin_limit();
    std::fs::write(path, format!("{limit:?}")).expect("a place for it");
    std::process::exit(0);
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder().workers(workers).build().unwrap()
}

#[test]
fn outside_a_task_build_starts_one_worker_before_it_returns() {
    alone(|| {
        current_thread().block_on(async {
            for workers in [1, 3] {
                let pool = pool_of(workers);
                // The runtime has had no chance to run anything yet.
                assert_eq!(children().len(), 1, "of {workers}");
                patiently(pool.warm_up()).await.unwrap();
                assert_eq!(children().len(), workers);
                patiently(pool.shutdown()).await;
            }
        });
    });
}

#[test]
fn inside_a_task_build_does_not_wait_for_a_worker() {
    alone(|| {
        current_thread().block_on(async {
            let building = tokio::spawn(async {
                let pool = pool_of(1);
                assert_eq!(children().len(), 0);
                pool
            });
            let pool = building.await.unwrap();
            patiently(pool.shutdown()).await;
        });
    });
}

#[test]
fn the_task_of_a_dead_worker_fails_before_another_worker_is_started() {
    alone(|| {
        current_thread().block_on(async {
            let pool = pool_of(1);
            patiently(pool.warm_up()).await.unwrap();
            let [worker] = children()[..] else {
                panic!("there is one worker")
            };
            let running = pool.run_in_process(|()| loop_for_ever(), ());
            while running.state() != TaskState::Running {
                tokio::task::yield_now().await;
            }
            let next = pool.run_in_process(|()| std::process::id(), ());
            kill(worker);
            let error: procpool::TaskError = patiently(running).await.unwrap_err();
            assert!(error.is_worker_exited(), "{error:?}");
            assert!(children().is_empty(), "another was started before");
            assert_ne!(patiently(next).await.unwrap(), worker);
            patiently(pool.shutdown()).await;
        });
    });
}

fn loop_for_ever() {
    loop {
        std::thread::park();
    }
}

#[test]
fn a_new_worker_may_spin_for_its_first_task_while_a_processor_is_free() {
    const SPIN: Duration = Duration::from_micros(50);
    alone(|| {
        current_thread().block_on(async {
            let processors = std::thread::available_parallelism().unwrap().get();
            let directory = tempfile::tempdir().unwrap();
            let listens = directory.path().join("listens");
            for (spin, expected) in [
                (Duration::ZERO, Duration::ZERO),
                (
                    SPIN,
                    if processors > 1 {
                        2 * SPIN
                    } else {
                        Duration::ZERO
                    },
                ),
            ] {
                let pool = ProcessPool::builder()
                    .workers(1)
                    .spin(spin)
                    .name(format!("listens {}", listens.display()))
                    .build()
                    .unwrap();
                // The time sent with a task applies after that task.
                let error = patiently(pool.warm_up()).await.unwrap_err();
                assert!(error.is_worker_start(), "{error:?}");
                let told = std::fs::read_to_string(&listens).unwrap();
                assert_eq!(told, format!("{expected:?}"));
                patiently(pool.terminate()).await;
            }
        });
    });
}
