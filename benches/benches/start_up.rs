//! A new pool: until its first result, and until eight workers are ready.
//!
//! procpool; procspawn; both of Python's classes; and the bare spawn of a process that answers one
//! message, which is the same executable, and for eight of them is done eight times before the first
//! answer is awaited.
#![forbid(unsafe_code)]

use std::time::Instant;

use futures::future::join_all;
use procpool::ProcessPool;
use procpool_benches::{Floor, Goals, Mode, Procspawn, Python, Table, increment, roles, runtime};

/// Of the second table.
const MANY: usize = 8;

fn main() {
    roles::init();
    if !Mode::asks_for("start_up") {
        return;
    }
    let mode = Mode::from_args();
    let mut goals = Goals::new("start_up");
    let mut python = Python::classes(1);
    let runtime = runtime::multi_thread();
    let references = [Procspawn::NAME, Floor::NAME];
    let mut first = Table::new(
        "start_up: a new pool of one worker, to its first result",
        &references,
    );
    let mut ready = Table::new(
        format!("start_up: a new pool, until {MANY} workers are ready"),
        &references,
    );
    for _ in 0..mode.pick(31, 1) {
        runtime.block_on(async {
            first.record(POOL, first_of_pool().await);
            first.record(Procspawn::NAME, first_of_procspawn());
            first.record(Floor::NAME, floors(1).await);
            ready.record(POOL, ready_pool().await);
            ready.record(Procspawn::NAME, ready_procspawn());
            ready.record(Floor::NAME, floors(MANY).await);
        });
    }
    for _ in 0..mode.pick(5, 1) {
        for class in &mut python {
            first.record(class.name(), class.measure("start", &[1]));
        }
    }
    println!("{first}{ready}");
    let of_floor = |table: &Table| table.ratio(POOL, Floor::NAME);
    goals.at_most(
        "a new pool's first result, of a bare process",
        of_floor(&first),
        1.2,
        "×",
    );
    goals.at_most(
        "eight workers ready, of eight bare processes",
        of_floor(&ready),
        1.2,
        "×",
    );
    goals.finish(mode);
}

const POOL: &str = "procpool";

async fn first_of_pool() -> f64 {
    let began = Instant::now();
    let pool = ProcessPool::builder().workers(1).build();
    let pool = pool.expect("a pool should start");
    let result = pool.run_in_process(increment, 1).await;
    let took = micros_since(began);
    result.expect("a tiny task should not fail");
    // Its end is not in the next one's figure.
    pool.shutdown().await;
    took
}

async fn ready_pool() -> f64 {
    let began = Instant::now();
    let pool = ProcessPool::builder().workers(MANY).build();
    let pool = pool.expect("a pool should start");
    let warm = pool.warm_up().await;
    let took = micros_since(began);
    warm.expect("its workers should start");
    pool.shutdown().await;
    took
}

fn first_of_procspawn() -> f64 {
    let began = Instant::now();
    let pool = Procspawn::start(1);
    pool.call(increment, 1);
    micros_since(began)
}

/// Its workers can't be asked whether they are ready: each has answered when as many calls as workers
/// have, since none takes a second one before.
fn ready_procspawn() -> f64 {
    let began = Instant::now();
    let pool = Procspawn::start(MANY);
    pool.call_all(increment, 0..MANY as u64, drop);
    micros_since(began)
}

async fn floors(count: usize) -> f64 {
    let began = Instant::now();
    let mut floors: Vec<_> = (0..count).map(|_| Floor::start(8)).collect();
    join_all(floors.iter_mut().map(|floor| async {
        let mut message = [0; 8];
        floor.exchange(&mut message).await;
    }))
    .await;
    micros_since(began)
}

fn micros_since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e6
}
