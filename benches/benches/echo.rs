//! A `Vec<u8>` there and back: what the way costs for data.
//!
//! procpool with one worker, whose function returns its argument; `spawn_blocking`, which moves the
//! three words of the vector; procspawn; both of Python's classes; and a bare socket to a process that
//! reads all of it into one buffer and writes it back. Procpool and that process with each side on a processor of its own, too: where
//! the kernel has both on one, the bytes never leave its cache. Each gets again what it gave back, so that no
//! copy is made to measure.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};
use procpool::ProcessPool;
use procpool_benches::{
    Apart, Elsewhere, Floor, Goals, Lane, Mode, Procspawn, Python, Samples, Table, Threads,
    Workload, roles, runtime,
};
use tokio::runtime::Runtime;

/// What the vectors are filled with.
const FILLING: u8 = 0xa5;

/// Each side on a processor of its own.
const POOL_APART: &str = "procpool, apart";
const FLOOR_APART: &str = "floor, apart";

/// A size of vectors.
struct Size {
    name: &'static str,
    bytes: usize,
    /// In each round of the table.
    calls: usize,
    rounds: usize,
    goal: Goal,
}

/// What procpool is to reach at a size.
enum Goal {
    /// A multiple of the bare socket's time.
    OfFloor(f64),
    /// Milliseconds on the machine for which they were named, and the same as a multiple of procspawn's
    /// time there.
    Millis { bound: f64, of_procspawn: f64 },
}

fn main() {
    roles::init();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let runtime = runtime::multi_thread();
    let mut goals = Goals::new("echo");
    for size in sizes() {
        compare(&mut criterion, &runtime, &size, &mut goals);
    }
    criterion.final_summary();
    goals.finish(Mode::from_args());
}

fn sizes() -> [Size; 4] {
    let size = |name, bytes, calls, rounds, goal| Size {
        name,
        bytes,
        calls,
        rounds,
        goal,
    };
    let millis = |bound, of_procspawn| Goal::Millis {
        bound,
        of_procspawn,
    };
    [
        size("1KiB", 1 << 10, 2_000, 9, Goal::OfFloor(1.2)),
        size("64KiB", 64 << 10, 1_000, 9, Goal::OfFloor(1.2)),
        // procspawn: 0.79 ms and 346 ms.
        size("1MiB", 1 << 20, 200, 9, millis(0.4, 0.51)),
        size("64MiB", 64 << 20, 10, 5, millis(60.0, 0.17)),
    ]
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

fn compare(criterion: &mut Criterion, runtime: &Runtime, size: &Size, goals: &mut Goals) {
    let mode = Mode::from_args();
    let &Size { name, bytes, .. } = size;
    let pool_of_one = || ProcessPool::builder().workers(1).build();
    let pool = Lane::new("procpool", runtime, Echo(bytes), || {
        pool_of_one().expect("a pool should start")
    });
    let threads = Lane::new(Threads::NAME, runtime, Echo(bytes), || Threads);
    let floor = Lane::new(Floor::NAME, runtime, Echo(bytes), || Floor::start(bytes));

    let mut group = criterion.benchmark_group(format!("echo/{name}"));
    group.throughput(Throughput::Bytes(2 * bytes as u64));
    if bytes > 1 << 20 {
        group.sample_size(10).sampling_mode(SamplingMode::Flat);
    }
    let measured = [
        pool.bench(&mut group),
        threads.bench(&mut group),
        floor.bench(&mut group),
    ];
    group.finish();
    if !mode.compares(&measured) {
        return;
    }

    let calls = mode.pick(size.calls, 2);
    let procspawn = Lane::new(Procspawn::NAME, runtime, Echo(bytes), || {
        Procspawn::start(1)
    });
    let pool_apart = Lane::new(POOL_APART, runtime, Apart(Echo(bytes)), || {
        pool_of_one().expect("a pool should start")
    });
    let floor_apart = Lane::new(FLOOR_APART, runtime, Apart(Echo(bytes)), || {
        Floor::start(bytes)
    });
    let mut python = Python::classes(1);
    let python_calls = (calls / 10).clamp(1, 50) as u64;
    let title = format!("echo/{name}: p50 of {calls} vectors there and back, one by one");
    let mut table = Table::new(title, &[Threads::NAME, Procspawn::NAME, Floor::NAME]);
    for _ in 0..mode.pick(size.rounds, 1) {
        table.record(pool.name(), pool.run(calls).p50());
        table.record(threads.name(), threads.run(calls).p50());
        table.record(procspawn.name(), procspawn.run(calls).p50());
        table.record(floor.name(), floor.run(calls).p50());
        table.record(pool_apart.name(), pool_apart.run(calls).p50());
        table.record(floor_apart.name(), floor_apart.run(calls).p50());
        for class in &mut python {
            let numbers = [bytes as u64, python_calls];
            table.record(class.name(), class.measure("echo", &numbers));
        }
    }
    println!("{table}");

    match size.goal {
        Goal::OfFloor(bound) => {
            let ratio = table.ratio(pool.name(), Floor::NAME);
            goals.at_most(format!("{name}, of the bare socket"), ratio, bound, "×");
            let ratio = table.ratio(POOL_APART, FLOOR_APART);
            let what = format!("{name}, apart, of the bare socket");
            goals.at_most(what, ratio, bound, "×");
        }
        Goal::Millis {
            bound,
            of_procspawn,
        } => {
            let millis = table.figure(pool.name()).map(|micros| micros.scaled(1e-3));
            goals.at_most(format!("{name} (of this machine)"), millis, bound, "ms");
            let ratio = table.ratio(pool.name(), Procspawn::NAME);
            goals.at_most(format!("{name}, of procspawn"), ratio, of_procspawn, "×");
        }
    }
}
