//! Nothing is left behind: no process, no zombie, no descriptor, no thread, no memory.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use procpool::ProcessPool;
use procpool_tests::{Gate, Traces, Watched, alone, children, patiently, visit_and_linger};
use rustix::process::{Pid, Signal, getpgid, kill_process, kill_process_group};
use tokio::runtime::{Builder, Runtime};

// The workers of these tests are this executable, and none of them is a `#[procpool::test]`.
procpool_os::before_main!(procpool::init);

fn pool_of(workers: usize) -> ProcessPool {
    ProcessPool::builder().workers(workers).build().unwrap()
}

/// Each kind of runtime, one after the other.
fn runtimes() -> impl Iterator<Item = Runtime> {
    let build = |mut builder: Builder| builder.worker_threads(2).enable_all().build().unwrap();
    // The first runtime makes tokio allocate what it keeps for the whole process.
    drop(build(Builder::new_current_thread()));
    [
        Builder::new_current_thread,
        Builder::new_multi_thread as fn() -> Builder,
    ]
    .into_iter()
    .map(move |kind| build(kind()))
}

async fn use_well(pool: &ProcessPool) {
    let tasks: Vec<_> = (0..100_u64)
        .map(|x| pool.run_in_process(|x: u64| x * 2, x))
        .collect();
    patiently(futures::future::try_join_all(tasks))
        .await
        .unwrap();
}

/// Starts a process and stays at the gate.
fn have_child_and_linger(gate: PathBuf) {
    let child = Command::new("sleep").arg("1000").spawn().unwrap();
    std::mem::forget(child);
    visit_and_linger(gate);
}

#[test]
fn after_the_last_handle_nothing_is_left() {
    alone(|| {
        for runtime in runtimes() {
            runtime.block_on(async {
                let before = Traces::now();
                let pool = pool_of(3);
                use_well(&pool).await;
                let other_handle = pool.clone();
                drop(pool);
                use_well(&other_handle).await;
                // The first worker may have run everything before the others are started.
                patiently(async {
                    while children().len() != 3 {
                        tokio::task::yield_now().await;
                    }
                })
                .await;
                drop(other_handle);
                before.are_back().await;
            });
        }
    });
}

#[test]
fn after_the_last_task_nothing_is_left() {
    alone(|| {
        for runtime in runtimes() {
            runtime.block_on(async {
                let before = Traces::now();
                let pool = pool_of(1);
                let task = pool.run_in_process(|x: u64| x, 5);
                drop(pool);
                assert_eq!(patiently(task).await.unwrap(), 5);
                before.are_back().await;
            });
        }
    });
}

#[test]
fn a_pool_that_is_dropped_with_its_running_tasks_leaves_nothing() {
    alone(|| {
        for runtime in runtimes() {
            runtime.block_on(async {
                let before = Traces::now();
                let gate = Gate::open();
                let pool = pool_of(2);
                let tasks =
                    [(); 6].map(|()| pool.run_in_process(have_child_and_linger, gate.path()));
                let _visitors = [gate.visitor().await, gate.visitor().await];
                drop((pool, tasks));
                patiently(async {
                    while children() != before.children {
                        tokio::task::yield_now().await;
                    }
                })
                .await;
                drop((gate, _visitors));
                before.are_back().await;
            });
        }
    });
}

#[test]
fn a_pool_that_is_dropped_before_its_workers_are_ready_leaves_nothing() {
    alone(|| {
        for runtime in runtimes() {
            runtime.block_on(async {
                let before = Traces::now();
                for _ in 0..10 {
                    drop(pool_of(4));
                    let pool = pool_of(4);
                    tokio::task::yield_now().await;
                    drop(pool);
                }
                before.are_back().await;
            });
        }
    });
}

#[test]
fn when_a_shutdown_returns_no_process_is_left() {
    alone(|| {
        for runtime in runtimes() {
            runtime.block_on(async {
                let before = Traces::now();
                let pool = pool_of(3);
                use_well(&pool).await;
                patiently(pool.shutdown()).await;
                assert_eq!(children(), before.children);
                drop(pool);
                before.are_back().await;
            });
        }
    });
}

#[test]
fn when_a_termination_returns_no_process_is_left() {
    alone(|| {
        for runtime in runtimes() {
            runtime.block_on(async {
                let before = Traces::now();
                let gate = Gate::open();
                let pool = pool_of(2);
                let task = pool.run_in_process(have_child_and_linger, gate.path());
                let visitor = gate.visitor().await;
                let report = patiently(pool.terminate()).await;
                assert_eq!(children(), before.children);
                assert_eq!(report.abandoned_tasks(), 1);
                assert!(patiently(task).await.unwrap_err().is_pool_closed());
                drop((pool, gate, visitor));
                before.are_back().await;
            });
        }
    });
}

#[test]
fn when_the_runtime_is_dropped_no_process_is_left_and_every_task_resolves() {
    alone(|| {
        let other = runtimes().next().unwrap();
        let runtimes = runtimes();
        let before = Traces::now();
        for runtime in runtimes {
            let (pool, running, queued) = runtime.block_on(async {
                let gate = Gate::open();
                let pool = pool_of(2);
                let running =
                    [(); 2].map(|()| pool.run_in_process(have_child_and_linger, gate.path()));
                let queued = pool.run_in_process(|x: u64| x, 5);
                let visitors = [gate.visitor().await, gate.visitor().await];
                drop((gate, visitors));
                (pool, running, queued)
            });
            drop(runtime);
            assert_eq!(children(), before.children, "at once");
            other.block_on(async {
                for task in running {
                    assert!(patiently(task).await.unwrap_err().is_pool_closed());
                }
                assert!(patiently(queued).await.unwrap_err().is_pool_closed());
                let late = pool.run_in_process(|x: u64| x, 5);
                assert!(patiently(late).await.unwrap_err().is_pool_closed());
                patiently(pool.shutdown()).await;
            });
            drop(pool);
            before.are_back_blocking();
        }
    });
}

#[test]
fn when_the_runtime_is_dropped_while_workers_start_nothing_is_left() {
    alone(|| {
        drop(runtimes());
        let before = Traces::now();
        for yields in 0..10 {
            for runtime in runtimes() {
                let pool = runtime.block_on(async {
                    let pool = pool_of(3);
                    for _ in 0..yields {
                        tokio::task::yield_now().await;
                    }
                    pool
                });
                let task = pool.run_in_process(|x: u64| x, 5);
                drop(pool);
                drop(runtime);
                // On a runtime of two threads it may have finished.
                let end = futures::executor::block_on(task);
                assert!(end.is_ok() || end.unwrap_err().is_pool_closed());
            }
        }
        before.are_back_blocking();
    });
}

#[test]
fn a_runtime_that_is_shut_down_in_the_background_leaves_nothing() {
    alone(|| {
        let runtimes = runtimes();
        let before = Traces::now();
        for runtime in runtimes {
            let pool = runtime.block_on(async {
                let pool = pool_of(2);
                use_well(&pool).await;
                pool
            });
            runtime.shutdown_background();
            drop(pool);
            before.are_back_blocking();
        }
    });
}

#[test]
fn many_pools_in_turn_leave_nothing() {
    alone(|| {
        for runtime in runtimes() {
            runtime.block_on(async {
                let before = Traces::now();
                for _ in 0..50 {
                    let pool = pool_of(2);
                    patiently(pool.run_in_process(|x: u64| x, 5)).await.unwrap();
                }
                before.are_back().await;
            });
        }
    });
}

#[test]
fn workers_that_die_leave_nothing() {
    alone(|| {
        for runtime in runtimes() {
            runtime.block_on(async {
                let before = Traces::now();
                let pool = pool_of(1);
                let counts = async || {
                    // The replacement is running.
                    patiently(pool.run_in_process(|()| (), ())).await.unwrap();
                    let now = Traces::now();
                    (now.descriptors.len(), now.pages, now.children.len())
                };
                let at_first = counts().await;
                for _ in 0..25 {
                    let death = pool.run_in_process(|()| std::process::abort(), ());
                    let _: procpool::TaskError =
                        patiently::<Result<(), _>>(death).await.unwrap_err();
                }
                assert_eq!(counts().await, at_first);
                drop(pool);
                before.are_back().await;
            });
        }
    });
}

/// A program that is about to end, and its processes.
struct Doomed {
    program: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    worker: Watched,
    worker_pid: u32,
    child: Watched,
}

impl Doomed {
    fn start(way: &str, worker: &str) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_doomed"))
            .args([way, worker])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let stdin = program.stdin.take().unwrap();
        let mut stdout = BufReader::new(program.stdout.take().unwrap());
        let mut pids = String::new();
        stdout.read_line(&mut pids).unwrap();
        let (worker, child) = pids.trim_end().split_once(' ').unwrap();
        let worker_pid = worker.parse().unwrap();
        Doomed {
            program,
            stdin,
            stdout,
            worker: Watched::new(worker_pid),
            worker_pid,
            child: Watched::new(child.parse().unwrap()),
        }
    }

    /// Lets the program end, and returns its exit code, if it has one.
    fn end(mut self) -> Option<i32> {
        assert!(self.worker.is_alive() && self.child.is_alive());
        self.stdin.write_all(b"\n").unwrap();
        self.has_ended()
    }

    fn has_ended(mut self) -> Option<i32> {
        let status = self.program.wait().unwrap();
        self.worker.ended();
        self.child.ended();
        status.code()
    }
}

const STATES: [&str; 3] = ["idle", "computing", "stopped"];

#[test]
fn a_program_that_returns_from_main_leaves_no_process() {
    for worker in STATES {
        assert_eq!(Doomed::start("return", worker).end(), Some(0));
    }
}

#[test]
fn a_program_that_exits_leaves_no_process() {
    for worker in STATES {
        assert_eq!(Doomed::start("exit", worker).end(), Some(3));
    }
}

#[test]
fn a_program_that_panics_leaves_no_process() {
    for worker in STATES {
        let code = Doomed::start("panic", worker).end();
        // There is none with `panic = "abort"`.
        assert!(matches!(code, Some(101) | None), "{code:?}");
    }
}

#[test]
fn a_program_that_aborts_leaves_no_process() {
    for worker in STATES {
        assert_eq!(Doomed::start("abort", worker).end(), None);
    }
}

#[test]
fn a_program_that_kills_itself_leaves_no_process() {
    for worker in STATES {
        assert_eq!(Doomed::start("kill", worker).end(), None);
    }
}

#[test]
fn a_program_that_is_killed_from_outside_leaves_no_process() {
    for worker in STATES {
        let mut doomed = Doomed::start("return", worker);
        assert!(doomed.worker.is_alive() && doomed.child.is_alive());
        doomed.program.kill().unwrap();
        assert_eq!(doomed.has_ended(), None);
    }
}

#[test]
fn a_program_that_forgets_its_pool_leaves_no_process() {
    for worker in STATES {
        assert_eq!(Doomed::start("leak", worker).end(), Some(0));
    }
}

#[test]
fn an_interrupt_from_the_terminal_reaches_the_parent_alone() {
    let mut doomed = Doomed::start("interrupted", "idle");
    let worker = pid(doomed.worker_pid);
    let program = pid(doomed.program.id());
    assert_eq!(getpgid(Some(worker)), Ok(worker), "it leads its own group");
    assert_eq!(getpgid(Some(program)), Ok(program));
    // As a terminal does at a Ctrl-C.
    kill_process_group(program, Signal::INT).unwrap();
    let mut still = String::new();
    doomed.stdout.read_line(&mut still).unwrap();
    assert_eq!(still.trim_end(), doomed.worker_pid.to_string());
    assert_eq!(doomed.has_ended(), Some(0));
}

fn pid(pid: u32) -> Pid {
    Pid::from_raw(pid.try_into().unwrap()).unwrap()
}

#[test]
fn a_stopped_program_does_not_lose_its_workers() {
    let doomed = Doomed::start("return", "idle");
    let program = pid(doomed.program.id());
    kill_process(program, Signal::STOP).unwrap();
    assert!(doomed.worker.is_alive() && doomed.child.is_alive());
    kill_process(program, Signal::CONT).unwrap();
    assert_eq!(doomed.end(), Some(0));
}

#[test]
fn a_detached_task_does_not_outlive_its_runtime() {
    alone(|| {
        let runtimes = runtimes();
        let before = Traces::now();
        for runtime in runtimes {
            runtime.block_on(async {
                let gate = Gate::open();
                let pool = pool_of(1);
                pool.run_in_process(have_child_and_linger, gate.path())
                    .detach();
                drop(pool);
                let _ = gate.visitor().await;
            });
            runtime.shutdown_timeout(Duration::from_secs(60));
            before.are_back_blocking();
        }
    });
}
