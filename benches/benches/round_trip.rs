//! One tiny task at a time: what a call costs when its result is awaited before the next is made.
//!
//! procpool with one worker, and with one that never stays awake; `spawn_blocking`; rayon; procspawn; both of Python's classes; and a bare
//! ping-pong of 8 bytes with a process that blocks in `read`, all of whose time is falling asleep and
//! waking up. All of it on a runtime with one thread, and on one with a thread a CPU.
//!
//! Once with the next call at once, so that a worker that stays awake for a moment finds it; and once
//! with a pause before each call, so that both sides sleep whatever they do. What takes part in both of these and sleeps, the
//! worker that never stays awake and the ping-pong, also with each side on a processor of its own.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use procpool::ProcessPool;
use procpool_benches::{
    Apart, Elsewhere, Floor, Goals, Lane, Mode, Procspawn, Python, Rayon, Samples, Table, Threads,
    Workload, roles, runtime,
};
use tokio::runtime::Runtime;
use tokio::time;

/// Calls in each round of a table.
const CALLS: usize = 2_000;

/// Calls with a pause before each.
const PAUSED_CALLS: usize = 150;

/// Long enough for everyone to sleep: no contender stays awake for as much as a tenth of it.
const PAUSE: Duration = Duration::from_millis(2);

fn main() {
    roles::init();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut goals = Goals::new("round_trip");
    let (current, multi) = (runtime::current_thread(), runtime::multi_thread());
    compare(&mut criterion, "current_thread", &current, &mut goals);
    compare(&mut criterion, "multi_thread", &multi, &mut goals);
    criterion.final_summary();
    goals.finish(Mode::from_args());
}

/// procpool without its worker's moment awake, as the tables name it.
const SLEEPER: &str = "procpool, no spin";

/// With each side on a processor of its own.
const SLEEPER_APART: &str = "procpool, no spin, apart";
const FLOOR_APART: &str = "floor, apart";

/// Calls a tiny task, awaits it, and calls it with what came back.
#[derive(Clone, Copy)]
struct OneByOne;

/// The same, with a [`PAUSE`] before each call.
#[derive(Clone, Copy)]
struct NowAndThen;

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

impl<C: Elsewhere> Workload<C> for NowAndThen {
    async fn run(self, contender: &mut C, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        let mut number = 0;
        for _ in 0..times {
            time::sleep(PAUSE).await;
            let began = Instant::now();
            number = contender.increment(black_box(number)).await;
            samples.add_since(began);
        }
        assert_eq!(number, times as u64);
        samples
    }
}

/// The contenders, with one workload.
struct Lanes<'r, W> {
    pool: Lane<'r, ProcessPool, W>,
    sleeper: Lane<'r, ProcessPool, W>,
    threads: Lane<'r, Threads, W>,
    rayon: Lane<'r, Rayon, W>,
    procspawn: Lane<'r, Procspawn, W>,
    floor: Lane<'r, Floor, W>,
    sleeper_apart: Lane<'r, ProcessPool, Apart<W>>,
    floor_apart: Lane<'r, Floor, Apart<W>>,
}

impl<'r, W> Lanes<'r, W>
where
    W: Workload<ProcessPool> + Workload<Threads> + Workload<Rayon>,
    W: Workload<Procspawn> + Workload<Floor> + Copy,
{
    fn new(runtime: &'r Runtime, workload: W) -> Self {
        let pool = || ProcessPool::builder().workers(1).build();
        let sleeper = || {
            let builder = ProcessPool::builder().workers(1).spin(Duration::ZERO);
            builder.build()
        };
        Lanes {
            pool: Lane::new("procpool", runtime, workload, move || {
                pool().expect("a pool should start")
            }),
            sleeper: Lane::new(SLEEPER, runtime, workload, move || {
                sleeper().expect("a pool should start")
            }),
            threads: Lane::new(Threads::NAME, runtime, workload, || Threads),
            rayon: Lane::new(Rayon::NAME, runtime, workload, || Rayon::start(1)),
            procspawn: Lane::new(Procspawn::NAME, runtime, workload, || Procspawn::start(1)),
            floor: Lane::new(Floor::NAME, runtime, workload, || Floor::start(8)),
            sleeper_apart: Lane::new(SLEEPER_APART, runtime, Apart(workload), move || {
                sleeper().expect("a pool should start")
            }),
            floor_apart: Lane::new(FLOOR_APART, runtime, Apart(workload), || Floor::start(8)),
        }
    }

    /// A turn of each.
    fn run(&self, calls: usize, mut record: impl FnMut(&str, Samples)) {
        record(self.pool.name(), self.pool.run(calls));
        record(self.sleeper.name(), self.sleeper.run(calls));
        record(self.threads.name(), self.threads.run(calls));
        record(self.rayon.name(), self.rayon.run(calls));
        record(self.procspawn.name(), self.procspawn.run(calls));
        record(self.floor.name(), self.floor.run(calls));
        record(self.sleeper_apart.name(), self.sleeper_apart.run(calls));
        record(self.floor_apart.name(), self.floor_apart.run(calls));
    }
}

fn compare(criterion: &mut Criterion, flavor: &str, runtime: &Runtime, goals: &mut Goals) {
    let mode = Mode::from_args();
    let lanes = Lanes::new(runtime, OneByOne);

    let mut group = criterion.benchmark_group(format!("round_trip/{flavor}"));
    let measured = [
        lanes.pool.bench(&mut group),
        lanes.threads.bench(&mut group),
        lanes.floor.bench(&mut group),
    ];
    group.finish();
    if !mode.compares(&measured) {
        return;
    }

    let calls = mode.pick(CALLS, 20);
    let references = [Threads::NAME, Rayon::NAME, Procspawn::NAME, Floor::NAME];
    let title = |what| format!("round_trip/{flavor}: {what} of {calls} tiny tasks, one by one");
    let mut p50 = Table::new(title("p50"), &references);
    let mut mean = Table::new(title("mean"), &references);
    let mut python = Python::classes(1);
    for _ in 0..mode.pick(9, 1) {
        lanes.run(calls, |name, samples| {
            p50.record(name, samples.p50());
            mean.record(name, samples.mean());
        });
        for class in &mut python {
            p50.record(
                class.name(),
                class.measure("round_trip", &[calls as u64 / 4]),
            );
        }
    }
    println!("{p50}{mean}");
    drop(python);

    let calls = mode.pick(PAUSED_CALLS, 3);
    let title = format!("round_trip/{flavor}: p50 of {calls} tiny tasks, {PAUSE:?} apart");
    let mut asleep = Table::new(title, &references);
    let lanes = Lanes::new(runtime, NowAndThen);
    for _ in 0..mode.pick(7, 1) {
        lanes.run(calls, |name, samples| asleep.record(name, samples.p50()));
    }
    println!("{asleep}");

    let name = lanes.pool.name();
    let mut at_most = |what, measured, bound| {
        goals.at_most(format!("{flavor}: {what}"), measured, bound, "×");
    };
    let apart = |table: &Table| table.ratio(SLEEPER_APART, FLOOR_APART);
    at_most("no spin, apart, of a bare ping-pong", apart(&p50), 1.15);
    at_most(
        "now and then, apart, of a bare ping-pong",
        apart(&asleep),
        1.15,
    );
    let of_floor = p50.ratio(name, Floor::NAME);
    at_most("one by one, of a bare ping-pong", of_floor, 0.5);
    at_most(
        "one by one, of spawn_blocking",
        p50.ratio(name, Threads::NAME),
        1.0,
    );
    let mut faster_than = |whom: &str, bound| {
        let what = format!("{flavor}: one by one, faster than {whom}");
        goals.at_least(what, p50.ratio(whom, name), bound, "×");
    };
    faster_than(Procspawn::NAME, 4.0);
    faster_than(Python::ASYNCIO, 15.0);
}
