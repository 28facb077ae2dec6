//! Many tiny tasks at once, through `join_all`: what a task costs when nobody waits for a single one.
//!
//! procpool with two workers; `spawn_blocking`; rayon; procspawn, which can't have as many at once, in a
//! window; both of Python's classes; a prototype that can nothing else; and a floor of two processes, each of which echoes
//! batches of 64 messages of 32 bytes, a batch at a time.
//!
//! `spawn_blocking` is there three times. Its handles spend tokio's cooperative budget when they are
//! polled, so that `join_all`, which polls them all, takes time that grows with the square of their
//! number: hence the row of 10 000. With `unconstrained` there is no budget, at the price that
//! nothing else of the thread's gets its turn meanwhile. procpool's tasks spend none.
//!
//! Each turn is a call that is not measured and one that is, so that nobody is measured with the memory of who came before.
//!
//! A second table has the processor time that the parent spends on each task, on all of its threads;
//! of threads that is the task itself, too.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};
use futures::future::join;
use procpool::ProcessPool;
use procpool_benches::{
    AtOnce, Floor, Goals, Lane, Mode, Procspawn, Prototype, Python, Rayon, Samples, Table, Threads,
    Unconstrained, Workload, cpu, roles, runtime,
};

/// The tasks at once.
const TASKS: usize = 100_000;

/// Fewer, for what is quadratic.
const FEWER_TASKS: usize = 10_000;

/// [`Threads`] with the fewer tasks, as criterion's ids and the table name it.
const THREADS_FEW: &str = "spawn_blocking, few";

/// Messages of the floor that go through the socket together.
const BATCH: usize = 64;

/// Bytes of one of the floor's messages: a dispatch id, a function and a number.
const MESSAGE_LEN: usize = 32;

fn main() {
    roles::init();
    let mut criterion = Criterion::default().configure_from_args();
    let mut goals = Goals::new("fan_out");
    compare(&mut criterion, &mut goals);
    criterion.final_summary();
    goals.finish(Mode::from_args());
}

/// Two [`Floor`]s, as procpool has two workers.
struct Floors([Floor; 2]);

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

async fn exchange(floor: &mut Floor, batches: usize) {
    let mut batch = [0; BATCH * MESSAGE_LEN];
    for _ in 0..batches {
        floor.exchange(&mut batch).await;
    }
}

fn compare(criterion: &mut Criterion, goals: &mut Goals) {
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

    // Not for criterion, which would take minutes to run them often enough.
    let threads = Lane::new(Threads::NAME, runtime, AtOnce(many), || Threads);
    let rayon = Lane::new(Rayon::NAME, runtime, AtOnce(many), || Rayon::start(2));
    let prototype = Lane::new(Prototype::NAME, runtime, AtOnce(many), || {
        Prototype::start(2)
    });
    let procspawn = Lane::new(Procspawn::NAME, runtime, AtOnce(few), || {
        Procspawn::start(2)
    });
    let mut python = Python::classes(2);

    let title = format!(
        "fan_out: each of {many} tiny tasks at once, of {few} where it says few, or another language"
    );
    let references = [
        Threads::NAME,
        Unconstrained::NAME,
        Prototype::NAME,
        Floor::NAME,
    ];
    let mut table = Table::new(title, &references);
    let title = "fan_out: processor time of the parent for each of them";
    let mut parent = Table::new(title, &references);
    for _ in 0..mode.pick(5, 1) {
        let mut record = |name, tasks, run: &dyn Fn() -> Samples| {
            let before = cpu::spent();
            let samples = run();
            let spent = cpu::spent() - before;
            table.record(name, samples.mean() / tasks as f64);
            parent.record(name, spent.as_secs_f64() * 1e6 / tasks as f64);
        };
        // This one takes ten seconds, of which the first milliseconds make no difference.
        record(threads.name(), many, &|| threads.run(1));
        let mut second = |name, tasks, run: &dyn Fn() -> Samples| {
            run();
            record(name, tasks, run);
        };
        second(pool.name(), many, &|| pool.run(1));
        second(threads_few.name(), few, &|| threads_few.run(1));
        second(unconstrained.name(), many, &|| unconstrained.run(1));
        second(rayon.name(), many, &|| rayon.run(1));
        second(procspawn.name(), few, &|| procspawn.run(1));
        second(prototype.name(), many, &|| prototype.run(1));
        second(floor.name(), many, &|| floor.run(1));
        for class in &mut python {
            table.record(class.name(), class.measure("fan_out", &[few as u64]));
        }
    }
    println!("{table}{parent}");

    let name = pool.name();
    goals.at_least(
        "tasks a second (of this machine: not a ratio)",
        table.figure(name).map(|micros| micros.inverse()),
        1.5,
        "M/s",
    );
    // The same bound, by what such a prototype did where it was named: 2.0 M/s.
    goals.at_most(
        "time, of a prototype of which one asks nothing else",
        table.ratio(name, Prototype::NAME),
        2.0 / 1.5,
        "×",
    );
    goals.at_most(
        "time, of spawn_blocking without its cooperative budget",
        table.ratio(name, Unconstrained::NAME),
        1.0,
        "×",
    );
    goals.at_least(
        "faster than spawn_blocking with it",
        table.ratio(Threads::NAME, name),
        50.0,
        "×",
    );
    goals.at_most(
        "processor time of the parent for a task (of this machine)",
        parent.figure(name),
        0.8,
        "µs",
    );
    // The prototype took 0.55 µs there.
    goals.at_most(
        "processor time of the parent, of the prototype's",
        parent.ratio(name, Prototype::NAME),
        0.8 / 0.55,
        "×",
    );
    goals.at_most(
        "processor time of the parent, of spawn_blocking without its budget",
        parent.ratio(name, Unconstrained::NAME),
        1.0,
        "×",
    );
}
