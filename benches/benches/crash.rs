//! The only worker is killed by SIGKILL while it runs a task: how long until that task's caller has the
//! error, and until the next task, which was queued, has its result.
//!
//! procpool, with and without a worker that stands by; procspawn; Python's executor, which fails all that
//! is queued, so that its second figure is that of a new executor (`multiprocessing.Pool` never tells
//! the caller); and a bare process: killed and seen by the end of its socket, then replaced by another
//! that answers.
#![forbid(unsafe_code)]

use std::process;
use std::thread;
use std::time::{Duration, Instant};

use procpool::{ProcessPool, TaskState};
use procpool_benches::{Floor, Goals, Mode, Procspawn, Python, Table, increment, roles, runtime};
use rustix::process::{Pid, Signal, kill_process};
use tokio::task;

const POOL: &str = "procpool";
const STANDBY: &str = "procpool, one stands by";

/// From the kill, in microseconds.
struct Figures {
    error: f64,
    next: f64,
}

fn main() {
    roles::init();
    if !Mode::asks_for("crash") {
        return;
    }
    let mode = Mode::from_args();
    let references = [Procspawn::NAME, Floor::NAME];
    let mut error = Table::new("crash: from the kill to its caller's error", &references);
    let mut next = Table::new(
        "crash: from the kill to the next task's result",
        &references,
    );
    let mut record = |name: &str, figures: Figures| {
        error.record(name, figures.error);
        next.record(name, figures.next);
    };
    let runtime = runtime::multi_thread();
    let mut python = Python::classes(1);
    for _ in 0..mode.pick(31, 1) {
        runtime.block_on(async {
            record(POOL, of_pool(0).await);
            record(STANDBY, of_pool(1).await);
            record(Procspawn::NAME, of_procspawn());
            record(Floor::NAME, of_floor().await);
        });
    }
    for _ in 0..mode.pick(5, 1) {
        for class in python
            .iter_mut()
            .filter(|class| class.name() == Python::EXECUTOR)
        {
            let figures = class.run("crash", &[]);
            let figures = figures.expect("Python should run the workload");
            record(
                class.name(),
                Figures {
                    error: figures[0],
                    next: figures[1],
                },
            );
        }
    }
    println!("{error}{next}");

    let mut goals = Goals::new("crash");
    let mut at_most = |what, table: &Table, name, bound| {
        let millis = table.figure(name).map(|micros| micros.scaled(1e-3));
        goals.at_most(format!("{what} (of this machine)"), millis, bound, "ms");
    };
    at_most("error to its caller", &error, POOL, 0.4);
    at_most("next queued task done", &next, POOL, 1.5);
    at_most("next queued task done, one stands by", &next, STANDBY, 0.5);
    // The same bounds, by what a bare process and procspawn needed where they were named: 0.11 and 1.0 ms, and 0.31
    // and 2.5 ms.
    for (reference, error_bound, next_bound, standby_bound) in [
        (Floor::NAME, 3.6, 1.5, 0.5),
        (Procspawn::NAME, 1.3, 0.6, 0.2),
    ] {
        let mut at_most = |what: &str, table: &Table, name, bound| {
            let ratio = table.ratio(name, reference);
            goals.at_most(format!("{what}, of {reference}"), ratio, bound, "×");
        };
        at_most("error to its caller", &error, POOL, error_bound);
        at_most("next task done", &next, POOL, next_bound);
        at_most(
            "next task done, one stands by",
            &next,
            STANDBY,
            standby_bound,
        );
    }
    goals.finish(mode);
}

async fn of_pool(standby: usize) -> Figures {
    let builder = ProcessPool::builder().workers(1).standby_workers(standby);
    let pool = builder.build().expect("a pool should start");
    pool.warm_up().await.expect("its workers should start");
    let worker = pool.run_in_process(|()| process::id(), ()).await;
    let worker = worker.expect("a tiny task should not fail");

    let running = pool.run_in_process(hang, ());
    while running.state() != TaskState::Running {
        task::yield_now().await;
    }
    let next = pool.run_in_process(increment, 1);
    // Each is awaited by a task of its own, as in a server.
    let error = tokio::spawn(async move {
        let result = running.await;
        (Instant::now(), result)
    });
    let next = tokio::spawn(async move {
        let result = next.await;
        (Instant::now(), result)
    });
    task::yield_now().await;

    let began = Instant::now();
    kill(worker);
    let (told, result) = error.await.expect("it should not panic");
    assert!(result.is_err_and(|error| error.is_worker_exited()));
    let (done, result) = next.await.expect("it should not panic");
    assert_eq!(result.expect("a tiny task should not fail"), 2);
    pool.shutdown().await;
    Figures::new(began, told, done)
}

fn of_procspawn() -> Figures {
    let pool = Procspawn::start(1);
    let worker = pool.call(|()| process::id(), ());
    // It can't be asked whether a task runs. The worker is the only one, and takes a task when it has it.
    let running = pool.spawn(hang, ());
    thread::sleep(Duration::from_millis(2));
    let next = pool.spawn(increment, 1);
    let began = Instant::now();
    kill(worker);
    assert!(running.join().is_err());
    let told = Instant::now();
    assert_eq!(next.join().expect("a tiny task should not fail"), 2);
    Figures::new(began, told, Instant::now())
}

async fn of_floor() -> Figures {
    let mut floor = Floor::start(8);
    let mut message = [0; 8];
    floor.exchange(&mut message).await;
    let worker = floor.process_id();
    let began = Instant::now();
    kill(worker);
    floor.ended().await;
    let told = Instant::now();
    let mut other = Floor::start(8);
    other.exchange(&mut message).await;
    Figures::new(began, told, Instant::now())
}

impl Figures {
    fn new(began: Instant, told: Instant, done: Instant) -> Self {
        let micros = |end: Instant| (end - began).as_secs_f64() * 1e6;
        Figures {
            error: micros(told),
            next: micros(done),
        }
    }
}

/// Until it is killed.
fn hang((): ()) {
    loop {
        thread::park();
    }
}

fn kill(worker: u32) {
    let worker = Pid::from_raw(worker as i32).expect("a process has a number");
    kill_process(worker, Signal::KILL).expect("the worker should be there");
}
