//! A million tiny items: what an item costs when nothing is tuned.
//!
//! procpool's `map` with two workers and no chunk size named; rayon's parallel iterator with two
//! threads; and those who must be told a chunk size: procspawn, whose tasks are vectors that are made
//! by hand, with each of a sweep, and both of Python's classes, with the best of one in each round. The
//! results are collected, in the order of the items. Each turn is a call that is not measured and one that is,
//! so that nobody is measured with the memory of who came before.
#![forbid(unsafe_code)]

use std::cmp::Ordering;
use std::time::Instant;

use futures::TryStreamExt;
use procpool::ProcessPool;
use procpool_benches::{Goals, Mode, Procspawn, Python, Rayon, Table, increment, roles, runtime};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tokio::runtime::Runtime;

const ITEMS: usize = 1_000_000;

/// Chunk sizes for procspawn.
const CHUNKS: [usize; 5] = [1_000, 5_000, 20_000, 100_000, 500_000];

/// And for Python, for which the best is among these.
const PYTHON_CHUNKS: [u64; 3] = [5_000, 20_000, 100_000];

const POOL: &str = "procpool";

fn main() {
    roles::init();
    if !Mode::asks_for("map") {
        return;
    }
    let mode = Mode::from_args();
    let items = mode.pick(ITEMS, 10_000);
    let runtime = runtime::multi_thread();
    let pool = runtime.block_on(async {
        let pool = ProcessPool::builder().workers(2).build();
        let pool = pool.expect("a pool should start");
        pool.warm_up().await.expect("its workers should start");
        pool
    });
    let rayon = Rayon::start(2);
    let procspawn = Procspawn::start(2);
    let mut python = Python::classes(2);

    let title = format!("map: each of {items} tiny items, in chunks by hand where they are named");
    let mut table = Table::new(title, &[Rayon::NAME, POOL]);
    for _ in 0..mode.pick(11, 1) {
        let second = |run: &dyn Fn() -> f64| {
            run();
            run() / items as f64
        };
        table.record(POOL, second(&|| on_pool(&runtime, &pool, items)));
        table.record(Rayon::NAME, second(&|| on_rayon(&rayon, items)));
        for chunk in CHUNKS {
            let each = second(&|| on_procspawn(&procspawn, items, chunk));
            table.record(&by_hand(chunk), each);
        }
        for class in python
            .iter_mut()
            .filter(|class| class.name() != Python::ASYNCIO)
        {
            let mut numbers = vec![items as u64];
            numbers.extend(PYTHON_CHUNKS);
            table.record(class.name(), class.measure("map", &numbers));
        }
    }
    println!("{table}");

    let mut goals = Goals::new("map");
    // Not the best of each round: of several figures of a busy machine the least is luck.
    let median = |chunk: usize| table.figure(&by_hand(chunk)).map(|figure| figure.median);
    let order = |a: &usize, b: &usize| median(*a).partial_cmp(&median(*b));
    let best = CHUNKS
        .into_iter()
        .min_by(|a, b| order(a, b).unwrap_or(Ordering::Equal));
    let of_procspawn = best.and_then(|best| table.ratio(POOL, &by_hand(best)));
    goals.at_most(
        "time of a million items, of procspawn's best chunk",
        of_procspawn,
        1.0,
        "×",
    );
    let rate = table.figure(POOL).map(|micros| micros.inverse());
    goals.at_least("items a second (of this machine)", rate, 31.0, "M/s");
    goals.finish(mode);
}

fn by_hand(chunk: usize) -> String {
    format!("{}, {chunk} in a chunk", Procspawn::NAME)
}

fn on_pool(runtime: &Runtime, pool: &ProcessPool, items: usize) -> f64 {
    let pool = pool.clone();
    let run = async move {
        let began = Instant::now();
        let results = pool.map(increment, 0..items as u64);
        let results: Vec<u64> = results
            .try_collect()
            .await
            .expect("an item should not fail");
        checked(began, &results)
    };
    let run = runtime.block_on(runtime.spawn(run));
    run.expect("it should not panic")
}

fn on_rayon(rayon: &Rayon, items: usize) -> f64 {
    let began = Instant::now();
    let results: Vec<u64> = rayon
        .pool()
        .install(|| (0..items as u64).into_par_iter().map(increment).collect());
    checked(began, &results)
}

fn on_procspawn(procspawn: &Procspawn, items: usize, chunk: usize) -> f64 {
    let began = Instant::now();
    let starts = (0..items).step_by(chunk);
    let chunks = starts.map(|start| (start as u64..(start + chunk).min(items) as u64).collect());
    let mut results: Vec<u64> = Vec::with_capacity(items);
    procspawn.call_all(increment_all, chunks, |chunk| results.extend(chunk));
    checked(began, &results)
}

fn increment_all(numbers: Vec<u64>) -> Vec<u64> {
    numbers.into_iter().map(increment).collect()
}

/// How long it took, in microseconds, if the results are right.
fn checked(began: Instant, results: &[u64]) -> f64 {
    let took = began.elapsed().as_secs_f64() * 1e6;
    assert!(results.iter().copied().eq(1..=results.len() as u64));
    took
}
