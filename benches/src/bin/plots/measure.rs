//! Costs against queue length, worker count, payload size and task duration.

use std::time::{Duration, Instant};

use procpool::ProcessPool;
use procpool_benches::{
    AtOnce, Burners, Elsewhere, Floor, Lane, Machine, Procspawn, Rayon, Samples, Table,
    Unconstrained, Workload, cpu, runtime,
};
use tokio::runtime::Runtime;

use crate::draw;
use crate::figures::Figures;

const POOL: &str = "procpool";

/// Of all contenders.
const ROUNDS: usize = 5;

/// All of it: some minutes.
pub(crate) fn all() -> Figures {
    let machine = Machine::observe();
    let mut figures = Figures::default();
    let runtime = runtime::multi_thread();
    queue_length(&runtime, &mut figures);
    worker_count(&runtime, &mut figures);
    payload_size(&runtime, &mut figures);
    task_duration(&mut figures);
    figures.about(machine.to_string());
    figures
}

fn queue_length(runtime: &Runtime, figures: &mut Figures) {
    const TASKS: [usize; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
    /// In each round, of whatever is at once.
    const LEAST: usize = 5_000;
    for tasks in TASKS {
        eprintln!("{tasks} tasks at once");
        let times = LEAST.div_ceil(tasks);
        let work = AtOnce(tasks);
        let pool = Lane::new(POOL, runtime, work, || start(2));
        let threads = Lane::new("spawn_blocking unconstrained", runtime, work, || {
            Unconstrained
        });
        let rayon = Lane::new(Rayon::NAME, runtime, work, || Rayon::start(2));
        let mut table = Table::new("", &[]);
        pool.run(1);
        for _ in 0..ROUNDS {
            table.record(pool.name(), pool.run(times).mean() / tasks as f64);
            table.record(threads.name(), threads.run(times).mean() / tasks as f64);
            table.record(rayon.name(), rayon.run(times).mean() / tasks as f64);
        }
        for name in [pool.name(), threads.name(), rayon.name()] {
            figures.add(draw::QUEUE_LENGTH, name, tasks as f64, table.figure(name));
        }
    }
}

fn worker_count(runtime: &Runtime, figures: &mut Figures) {
    const WORKERS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
    const TASKS: usize = 100_000;
    for workers in WORKERS {
        eprintln!("{workers} workers");
        let pool = Lane::new(POOL, runtime, AtOnce(TASKS), || start(workers));
        let rayon = Lane::new(Rayon::NAME, runtime, AtOnce(TASKS), || {
            Rayon::start(workers)
        });
        let mut table = Table::new("", &[]);
        let mut parent = Table::new("", &[]);
        // Its workers are up before the first round.
        pool.run(1);
        for _ in 0..ROUNDS {
            let before = cpu::spent();
            table.record(pool.name(), pool.run(1).mean() / TASKS as f64);
            let spent = cpu::spent() - before;
            parent.record(pool.name(), spent.as_secs_f64() * 1e6 / TASKS as f64);
            table.record(rayon.name(), rayon.run(1).mean() / TASKS as f64);
        }
        let x = workers as f64;
        figures.add(draw::WORKER_COUNT, POOL, x, table.figure(POOL));
        let name = "its parent's processor time";
        figures.add(draw::WORKER_COUNT, name, x, parent.figure(POOL));
        figures.add(
            draw::WORKER_COUNT,
            Rayon::NAME,
            x,
            table.figure(Rayon::NAME),
        );
    }
}

/// A vector there and back, and again.
#[derive(Clone, Copy)]
struct Echo(usize);

impl<C: Elsewhere> Workload<C> for Echo {
    async fn run(self, contender: &mut C, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        let mut bytes = vec![0xa5; self.0];
        for _ in 0..times {
            let began = Instant::now();
            bytes = contender.echo(bytes).await;
            samples.add_since(began);
        }
        assert_eq!(bytes.len(), self.0);
        samples
    }
}

fn payload_size(runtime: &Runtime, figures: &mut Figures) {
    for power in (4..=26).step_by(2) {
        let bytes = 1 << power;
        eprintln!("{bytes} bytes");
        // As many as take a moment in all, by the size.
        let calls = (32 << 20 >> power).clamp(3, 500);
        let echo = Echo(bytes);
        let pool = Lane::new(POOL, runtime, echo, || start(1));
        let procspawn = Lane::new(Procspawn::NAME, runtime, echo, || Procspawn::start(1));
        let floor = Lane::new("a bare socket", runtime, echo, || Floor::start(bytes));
        let mut table = Table::new("", &[]);
        pool.run(1);
        for _ in 0..ROUNDS {
            table.record(pool.name(), pool.run(calls).p50());
            table.record(procspawn.name(), procspawn.run(calls).p50());
            table.record(floor.name(), floor.run(calls).p50());
        }
        for name in [pool.name(), procspawn.name(), floor.name()] {
            figures.add(draw::PAYLOAD_SIZE, name, bytes as f64, table.figure(name));
        }
    }
}

fn task_duration(figures: &mut Figures) {
    const MICROS: [u64; 9] = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000];
    /// Of the tasks of one run, together.
    const TOTAL: Duration = Duration::from_millis(400);
    let burners = Burners::without_python();
    for micros in MICROS {
        eprintln!("tasks of {micros} µs");
        let duration = Duration::from_micros(micros);
        let tasks = (TOTAL.as_micros() as u64 / micros).min(100_000) as usize;
        let steps = vec![cpu::steps(duration); tasks];
        let ideal = duration.as_secs_f64() * tasks as f64 / 2.0;
        let mut table = Table::new("", &[]);
        for _ in 0..ROUNDS {
            let mut record = |name, work: &dyn Fn(&[u64])| {
                let began = Instant::now();
                work(&steps);
                table.record(name, began.elapsed().as_secs_f64() / ideal);
            };
            record(POOL, &|steps| burners.on_pool(steps));
            record(Rayon::NAME, &|steps| burners.on_rayon(steps));
            // Of tiny ones it would take minutes.
            if micros >= 10 {
                record(Procspawn::NAME, &|steps| burners.on_procspawn(steps));
            }
        }
        for name in [POOL, Rayon::NAME, Procspawn::NAME] {
            figures.add(draw::TASK_DURATION, name, micros as f64, table.figure(name));
        }
    }
}

fn start(workers: usize) -> ProcessPool {
    let pool = ProcessPool::builder().workers(workers).build();
    pool.expect("a pool should start")
}
