//! A `Vec<u8>` there and back: what the way costs for data.
//!
//! procpool with one worker, whose function returns its argument; `spawn_blocking`, which moves the
//! three words of the vector; and a bare socket to a process that reads all of it into one buffer
//! and writes it back. Each gets again what it gave back, so that no copy is made to measure.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use procpool::ProcessPool;
use procpool_benches::{
    Elsewhere, Floor, Lane, Mode, Samples, Table, Threads, Workload, floor, runtime,
};
use tokio::runtime::Runtime;

/// What the vectors are filled with.
const FILLING: u8 = 0xa5;

fn main() {
    procpool::init();
    floor::init();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let runtime = runtime::multi_thread();
    let sizes = [
        ("1KiB", 1 << 10, 2_000),
        ("64KiB", 64 << 10, 1_000),
        ("1MiB", 1 << 20, 200),
    ];
    for (name, len, calls) in sizes {
        compare(&mut criterion, &runtime, name, len, calls);
    }
    criterion.final_summary();
}

/// Echoes a vector of so many bytes, and then the one that came back.
#[derive(Clone, Copy)]
struct Echo(usize);

impl<C: Elsewhere> Workload<C> for Echo {
    async fn run(self, contender: &mut C, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        let mut bytes = vec![FILLING; self.0];
        for _ in 0..times {
            let began = Instant::now();
            bytes = contender.echo(bytes).await;
            samples.add_since(began);
        }
        assert_eq!(bytes.len(), self.0);
        assert!(bytes.iter().all(|&byte| byte == FILLING));
        samples
    }
}

fn compare(criterion: &mut Criterion, runtime: &Runtime, name: &str, len: usize, calls: usize) {
    let mode = Mode::from_args();
    let pool = || ProcessPool::builder().workers(1).build();
    let pool = Lane::new("procpool", runtime, Echo(len), || {
        pool().expect("a pool should start")
    });
    let threads = Lane::new(Threads::NAME, runtime, Echo(len), || Threads);
    let floor = Lane::new(Floor::NAME, runtime, Echo(len), || Floor::start(len));

    let mut group = criterion.benchmark_group(format!("echo/{name}"));
    group.throughput(Throughput::Bytes(2 * len as u64));
    let measured = [
        pool.bench(&mut group),
        threads.bench(&mut group),
        floor.bench(&mut group),
    ];
    group.finish();
    if !mode.compares(&measured) {
        return;
    }

    let calls = mode.pick(calls, 5);
    let title = format!("echo/{name}: p50 of {calls} vectors there and back, one by one");
    let mut table = Table::new(title, &[Threads::NAME, Floor::NAME]);
    for _ in 0..mode.pick(9, 1) {
        table.record(pool.name(), pool.run(calls).p50());
        table.record(threads.name(), threads.run(calls).p50());
        table.record(floor.name(), floor.run(calls).p50());
    }
    println!("{table}");
}
