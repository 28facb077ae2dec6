//! How late a runtime's timers are while its pool works: how long others wait for the event loop.
//!
//! A task of the runtime sleeps for a millisecond, again and again, and notes how much later than that it
//! goes on. Once while nothing else happens; once while one worker computes and the other returns
//! 64 MiB after 64 MiB, each of which is awaited; and once while the same is computed and nothing is returned, so
//! that it can be told what of it is not the runtime's work but its waiting for a processor. And once while two
//! workers by hand do the former, whose results a thread reads into the same memory again and again. On a runtime with
//! one thread, and on one with a thread a CPU.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use procpool::ProcessPool;
use procpool_benches::{BareWorker, Goals, Mode, Samples, Table, cpu, roles, runtime};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time;

const TICK: Duration = Duration::from_millis(1);

/// In each round, of each kind.
const TICKS: usize = 1_000;

const LEN: usize = 64 << 20;

/// What the computing worker is given at once.
const LONG: Duration = Duration::from_millis(20);

const IDLE: &str = "idle";
const BUSY: &str = "64 MiB results arrive";
const COMPUTING: &str = "64 MiB are filled and dropped";
const BARE: &str = "64 MiB arrive, by hand";

fn main() {
    roles::init();
    if !Mode::asks_for("lag") {
        return;
    }
    let mode = Mode::from_args();
    let mut goals = Goals::new("lag");
    for (flavor, runtime) in [
        ("current_thread", runtime::current_thread()),
        ("multi_thread", runtime::multi_thread()),
    ] {
        let table = compare(&runtime, flavor, mode);
        println!("{table}");
        goals.at_most(
            format!("{flavor}: p99 of the event loop's lag, of idle"),
            table.ratio(BUSY, IDLE),
            2.0,
            "×",
        );
    }
    goals.finish(mode);
}

fn compare(runtime: &Runtime, flavor: &str, mode: Mode) -> Table {
    let pool = runtime.block_on(async {
        let pool = ProcessPool::builder().workers(2).build();
        let pool = pool.expect("a pool should start");
        pool.warm_up().await.expect("its workers should start");
        pool
    });
    let title = format!("lag/{flavor}: p99 of how late a timer of a millisecond is");
    let mut table = Table::new(title, &[IDLE]);
    let ticks = mode.pick(TICKS, 10);
    for _ in 0..mode.pick(5, 1) {
        // It is a task of the runtime, as what waits for the event loop is.
        let idle = runtime.block_on(async { tokio::spawn(lags(ticks)).await });
        table.record(IDLE, idle.expect("it should not panic").p99());
        for (name, function) in [(BUSY, filled as fn(usize) -> Vec<u8>), (COMPUTING, dropped)] {
            let busy = lags_while_busy(pool.clone(), function, ticks);
            let busy = runtime.block_on(async { tokio::spawn(busy).await });
            table.record(name, busy.expect("it should not panic").p99());
        }
        let bare = runtime.block_on(async { tokio::spawn(lags_of_bare(ticks)).await });
        table.record(BARE, bare.expect("it should not panic").p99());
    }
    runtime.block_on(pool.shutdown());
    table
}

async fn lags(ticks: usize) -> Samples {
    let mut samples = Samples::with_capacity(ticks);
    for _ in 0..ticks {
        let due = Instant::now() + TICK;
        time::sleep_until(due.into()).await;
        samples.add_since(due);
    }
    samples
}

async fn lags_while_busy(
    pool: ProcessPool,
    function: fn(usize) -> Vec<u8>,
    ticks: usize,
) -> Samples {
    let returning = {
        let pool = pool.clone();
        tokio::spawn(async move {
            loop {
                let result = pool.run_in_process(function, LEN).await;
                black_box(result.expect("a task should not fail"));
            }
        })
    };
    let steps = cpu::steps(LONG);
    let computing = tokio::spawn(async move {
        loop {
            let result = pool.run_in_process(cpu::burn, steps).await;
            result.expect("a task should not fail");
        }
    });
    let samples = lags(ticks).await;
    // Their tasks are cancelled with them.
    returning.abort();
    computing.abort();
    samples
}

/// A thread waits for each worker, and the event loop is told of each result.
async fn lags_of_bare(ticks: usize) -> Samples {
    let (arrived, mut arrivals) = mpsc::channel::<()>(1);
    let (computing, socket) = BareWorker::start();
    let steps = cpu::steps(LONG);
    let computer =
        thread::spawn(move || while BareWorker::call(&socket, steps, &mut [0]).is_ok() {});
    let (returning, socket) = BareWorker::start();
    let reader = thread::spawn(move || {
        let mut result = vec![0; LEN];
        while BareWorker::call(&socket, 0, &mut result).is_ok() && arrived.blocking_send(()).is_ok()
        {
        }
    });
    let hearing = tokio::spawn(async move { while arrivals.recv().await.is_some() {} });
    let samples = lags(ticks).await;
    drop((computing, returning));
    hearing.abort();
    for thread in [computer, reader] {
        thread.join().expect("it should not panic");
    }
    samples
}

fn filled(len: usize) -> Vec<u8> {
    vec![7; len]
}

fn dropped(len: usize) -> Vec<u8> {
    drop(black_box(filled(len)));
    Vec::new()
}
