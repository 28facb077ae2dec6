//! One tiny task at a time: what a call costs when its result is awaited before the next is made.
//!
//! procpool with one worker, `spawn_blocking`, and a bare ping-pong of 8 bytes with a process that
//! blocks in `read`. All of it on a runtime with one thread, and on one with a thread a CPU.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use procpool::ProcessPool;
use procpool_benches::{
    Elsewhere, Floor, Lane, Mode, Samples, Table, Threads, Workload, floor, runtime,
};
use tokio::runtime::Runtime;

/// Calls in each round of a table.
const CALLS: usize = 2_000;

fn main() {
    procpool::init();
    floor::init();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    compare(&mut criterion, "current_thread", &runtime::current_thread());
    compare(&mut criterion, "multi_thread", &runtime::multi_thread());
    criterion.final_summary();
}

/// Calls a tiny task, awaits it, and calls it with what came back.
#[derive(Clone, Copy)]
struct OneByOne;

impl<C: Elsewhere> Workload<C> for OneByOne {
    async fn run(self, contender: &mut C, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        let mut number = 0;
        for _ in 0..times {
            let began = Instant::now();
            number = contender.increment(black_box(number)).await;
            samples.add_since(began);
        }
        assert_eq!(number, times as u64);
        samples
    }
}

fn compare(criterion: &mut Criterion, flavor: &str, runtime: &Runtime) {
    let mode = Mode::from_args();
    let pool = || ProcessPool::builder().workers(1).build();
    let pool = Lane::new("procpool", runtime, OneByOne, || {
        pool().expect("a pool should start")
    });
    let threads = Lane::new(Threads::NAME, runtime, OneByOne, || Threads);
    let floor = Lane::new(Floor::NAME, runtime, OneByOne, || Floor::start(8));

    let mut group = criterion.benchmark_group(format!("round_trip/{flavor}"));
    let measured = [
        pool.bench(&mut group),
        threads.bench(&mut group),
        floor.bench(&mut group),
    ];
    group.finish();
    if !mode.compares(&measured) {
        return;
    }

    let calls = mode.pick(CALLS, 20);
    let references = [Threads::NAME, Floor::NAME];
    let title = |what| format!("round_trip/{flavor}: {what} of {calls} tiny tasks, one by one");
    let mut p50 = Table::new(title("p50"), &references);
    let mut mean = Table::new(title("mean"), &references);
    let mut record = |name: &str, samples: Samples| {
        p50.record(name, samples.p50());
        mean.record(name, samples.mean());
    };
    for _ in 0..mode.pick(9, 1) {
        record(pool.name(), pool.run(calls));
        record(threads.name(), threads.run(calls));
        record(floor.name(), floor.run(calls));
    }
    println!("{p50}{mean}");
}
