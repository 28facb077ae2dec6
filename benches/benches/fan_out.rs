//! Many tiny tasks at once, through `join_all`: what a task costs when nobody waits for a single one.
//!
//! procpool with two workers; `spawn_blocking`; and a floor of two processes, each of which echoes
//! batches of 64 messages of 32 bytes, a batch at a time.
//!
//! `spawn_blocking` is there three times. Its handles spend tokio's cooperative budget when they are
//! polled, so that `join_all`, which polls them all, takes time that grows with the square of their
//! number: hence the row of 10 000. With `unconstrained` there is no budget, at the price that
//! nothing else of the thread's gets its turn meanwhile. procpool's tasks spend none.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};
use futures::future::{join, join_all};
use procpool::ProcessPool;
use procpool_benches::{
    Floor, Lane, Mode, Samples, Table, Threads, Workload, floor, increment, runtime,
};
use tokio::task;

/// The tasks at once.
const TASKS: usize = 100_000;

/// Fewer, for what is quadratic.
const FEWER_TASKS: usize = 10_000;

/// [`Threads`] with the fewer tasks, as criterion's ids and the table name it.
const THREADS_FEW: &str = "spawn_blocking, few";

/// Messages of the floor that go through the socket together; procpool sends as many ahead at most.
const BATCH: usize = 64;

/// Bytes of one of the floor's messages: a ticket, a function and a number.
const MESSAGE_LEN: usize = 32;

fn main() {
    procpool::init();
    floor::init();
    let mut criterion = Criterion::default().configure_from_args();
    compare(&mut criterion);
    criterion.final_summary();
}

/// Calls so many tiny tasks, then awaits them all.
#[derive(Clone, Copy)]
struct AtOnce(usize);

/// [`Threads`], awaited without the cooperative budget.
struct Unconstrained;

impl Unconstrained {
    const NAME: &'static str = "unconstrained";
}

/// Two [`Floor`]s, as procpool has two workers.
struct Floors([Floor; 2]);

impl Workload<ProcessPool> for AtOnce {
    async fn run(self, pool: &mut ProcessPool, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        for _ in 0..times {
            let began = Instant::now();
            let tasks = (0..self.0 as u64).map(|number| pool.run_in_process(increment, number));
            let sum: u64 = join_all(tasks)
                .await
                .into_iter()
                .map(|result| result.expect("a tiny task should not fail"))
                .sum();
            samples.add_since(began);
            assert_eq!(sum, self.sum());
        }
        samples
    }
}

impl Workload<Threads> for AtOnce {
    async fn run(self, _: &mut Threads, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        for _ in 0..times {
            let began = Instant::now();
            let sum = self.sum_on_threads().await;
            samples.add_since(began);
            assert_eq!(sum, self.sum());
        }
        samples
    }
}

impl Workload<Unconstrained> for AtOnce {
    async fn run(self, _: &mut Unconstrained, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        for _ in 0..times {
            let began = Instant::now();
            let sum = task::unconstrained(self.sum_on_threads()).await;
            samples.add_since(began);
            assert_eq!(sum, self.sum());
        }
        samples
    }
}

impl Workload<Floors> for AtOnce {
    async fn run(self, floors: &mut Floors, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        let Floors([one, other]) = floors;
        let batches = self.0.div_ceil(2 * BATCH);
        for _ in 0..times {
            let began = Instant::now();
            join(exchange(one, batches), exchange(other, batches)).await;
            samples.add_since(began);
        }
        samples
    }
}

impl AtOnce {
    /// What the results must come to.
    fn sum(self) -> u64 {
        (1..=self.0 as u64).sum()
    }

    async fn sum_on_threads(self) -> u64 {
        let handles =
            (0..self.0 as u64).map(|number| task::spawn_blocking(move || increment(number)));
        join_all(handles)
            .await
            .into_iter()
            .map(|result| result.expect("a tiny task should not fail"))
            .sum()
    }
}

async fn exchange(floor: &mut Floor, batches: usize) {
    let mut batch = [0; BATCH * MESSAGE_LEN];
    for _ in 0..batches {
        floor.exchange(&mut batch).await;
    }
}

fn compare(criterion: &mut Criterion) {
    let mode = Mode::from_args();
    let many = mode.pick(TASKS, 1_000);
    let few = mode.pick(FEWER_TASKS, 100);
    let runtime = &runtime::multi_thread();
    let pool = || ProcessPool::builder().workers(2).build();
    let pool = Lane::new("procpool", runtime, AtOnce(many), || {
        pool().expect("a pool should start")
    });
    let unconstrained = Lane::new(Unconstrained::NAME, runtime, AtOnce(many), || Unconstrained);
    let threads_few = Lane::new(THREADS_FEW, runtime, AtOnce(few), || Threads);
    let floor = Lane::new(Floor::NAME, runtime, AtOnce(many), || {
        Floors([(); 2].map(|()| Floor::start(BATCH * MESSAGE_LEN)))
    });

    let mut group = criterion.benchmark_group("fan_out");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(many as u64));
    let mut measured = vec![
        pool.bench(&mut group),
        unconstrained.bench(&mut group),
        floor.bench(&mut group),
    ];
    group.throughput(Throughput::Elements(few as u64));
    measured.push(threads_few.bench(&mut group));
    group.finish();
    if !mode.compares(&measured) {
        return;
    }

    // Not for criterion, which would take minutes to run it often enough.
    let threads = Lane::new(Threads::NAME, runtime, AtOnce(many), || Threads);
    let title = format!("fan_out: each of {many} tiny tasks at once, of {few} where it says few");
    let mut table = Table::new(title, &[Threads::NAME, Unconstrained::NAME, Floor::NAME]);
    for _ in 0..mode.pick(5, 1) {
        let mut record = |name, samples: Samples, tasks| {
            table.record(name, samples.mean() / tasks as f64);
        };
        record(pool.name(), pool.run(1), many);
        record(threads.name(), threads.run(1), many);
        record(threads_few.name(), threads_few.run(1), few);
        record(unconstrained.name(), unconstrained.run(1), many);
        record(floor.name(), floor.run(1), many);
    }
    println!("{table}");
}
