//! Contenders that compute, on two workers each.

use std::fmt;
use std::future::Future;
use std::iter;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use futures::future::join_all;
use procpool::ProcessPool;
use tokio::runtime::{Builder, Runtime};
use tokio::task;

use crate::cpu::{self, burn};
use crate::procspawn_pool::Procspawn;
use crate::python::Python;
use crate::random::Random;
use crate::rayon_threads::Rayon;
use crate::table::Table;
use crate::threads::Threads;

/// Everyone who can run [`burn`] on two workers, ready to.
#[derive(Debug)]
pub struct Burners {
    runtime: Runtime,
    pool: ProcessPool,
    rayon: Rayon,
    procspawn: Procspawn,
    python: Vec<Python>,
}

impl Burners {
    /// What procpool is called in the tables.
    pub const PROCPOOL: &'static str = "procpool";

    /// The same, awaited by `block_on`: not in a task of the runtime, but on a thread that does nothing else, and which
    /// is woken for each result by the one that has read it.
    pub const BLOCKING: &'static str = "procpool, from block_on";

    /// As [`BLOCKING`](Self::BLOCKING), of rayon.
    pub const RAYON_BLOCKING: &'static str = "rayon, from block_on";

    /// The time that two workers need at least.
    pub const IDEAL: &'static str = "ideal";

    /// Starts them all.
    ///
    /// # Panics
    /// If the system is short of something.
    #[must_use]
    pub fn start() -> Self {
        Burners {
            python: Python::classes(WORKERS),
            ..Self::without_python()
        }
    }

    /// Starts those that need no interpreter.
    ///
    /// # Panics
    /// If the system is short of something.
    #[must_use]
    pub fn without_python() -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(WORKERS)
            .enable_all()
            .build()
            .expect("a runtime should start");
        let pool = runtime.block_on(async {
            let pool = ProcessPool::builder().workers(WORKERS).build();
            let pool = pool.expect("a pool should start");
            pool.warm_up().await.expect("its workers should start");
            pool
        });
        Burners {
            runtime,
            pool,
            rayon: Rayon::start(WORKERS),
            procspawn: Procspawn::start(WORKERS),
            python: Vec::new(),
        }
    }

    /// A table of how long each takes for tasks of these durations, all of which are called at once.
    ///
    /// # Panics
    /// If a task fails.
    pub fn compare(&mut self, title: &str, durations: &[Duration], rounds: usize) -> Table {
        let steps: Vec<u64> = durations.iter().map(|&task| cpu::steps(task)).collect();
        let micros: Vec<u64> = durations
            .iter()
            .map(|task| task.as_micros() as u64)
            .collect();
        let total: Duration = durations.iter().sum();
        let mut table = Table::new(title, &[Rayon::NAME, Self::IDEAL]);
        for _ in 0..rounds {
            table.record(Self::PROCPOOL, timed(|| self.on_pool(&steps)));
            table.record(Rayon::NAME, timed(|| self.on_rayon(&steps)));
            table.record(Threads::NAME, timed(|| self.on_threads(&steps)));
            table.record(
                Self::BLOCKING,
                timed(|| self.runtime.block_on(done(self.calls(&steps)))),
            );
            table.record(
                Self::RAYON_BLOCKING,
                timed(|| self.runtime.block_on(done(self.spawns(&steps)))),
            );
            table.record(Procspawn::NAME, timed(|| self.on_procspawn(&steps)));
            for class in &mut self.python {
                table.record(class.name(), class.measure("burn", &micros));
            }
            table.record(Self::IDEAL, total.as_secs_f64() * 1e6 / WORKERS as f64);
        }
        table
    }

    /// What they all run on.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// procpool's pool.
    #[must_use]
    pub fn pool(&self) -> &ProcessPool {
        &self.pool
    }

    /// Rayon's.
    #[must_use]
    pub fn rayon(&self) -> &Rayon {
        &self.rayon
    }

    /// Runs [`burn`] for each of `steps` on procpool, all at once, awaited in a task of the runtime.
    ///
    /// # Panics
    /// If a task fails.
    pub fn on_pool(&self, steps: &[u64]) {
        self.in_a_task(done(self.calls(steps)));
    }

    /// Runs [`burn`] for each of `steps` on `spawn_blocking`, all at once, awaited in a task of the runtime.
    ///
    /// # Panics
    /// If a task fails.
    pub fn on_threads(&self, steps: &[u64]) {
        let context = self.runtime.enter();
        let burning = |&steps| task::spawn_blocking(move || burn(steps));
        let tasks: Vec<_> = steps.iter().map(burning).collect();
        drop(context);
        // Without its budget: ten thousand handles would spend more time in being polled.
        self.in_a_task(task::unconstrained(done(tasks)));
    }

    /// Runs [`burn`] for each of `steps` on rayon, all at once, awaited in a task of the runtime.
    ///
    /// # Panics
    /// If a task fails.
    pub fn on_rayon(&self, steps: &[u64]) {
        self.in_a_task(done(self.spawns(steps)));
    }

    fn calls(&self, steps: &[u64]) -> Vec<procpool::Task<u64>> {
        let call = |&steps| self.pool.run_in_process(burn, steps);
        steps.iter().map(call).collect()
    }

    fn spawns(&self, steps: &[u64]) -> Vec<oneshot::Receiver<u64>> {
        let spawn = |&steps| self.rayon.spawn(move || burn(steps));
        steps.iter().map(spawn).collect()
    }

    fn in_a_task(&self, work: impl Future<Output = ()> + Send + 'static) {
        let task = self.runtime.spawn(work);
        self.runtime.block_on(task).expect("it should not panic");
    }

    /// Runs [`burn`] for each of `steps` on procspawn, all at once.
    ///
    /// # Panics
    /// If a task fails.
    pub fn on_procspawn(&self, steps: &[u64]) {
        self.procspawn.call_all(burn, steps.iter().copied(), drop);
    }
}

/// Tasks whose durations are log-normal: most are short, some are long. The same ones in every run.
#[must_use]
pub fn log_normal(
    tasks: usize,
    median: Duration,
    sigma: f64,
    from: Duration,
    to: Duration,
) -> Vec<Duration> {
    let mut random = Random::new(0);
    iter::repeat_with(|| {
        // Box and Muller.
        let radius = (-2.0 * random.uniform().ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * random.uniform()).cos();
        median.mul_f64((sigma * normal).exp()).clamp(from, to)
    })
    .take(tasks)
    .collect()
}

/// Waits for all of them.
async fn done<F, T, E>(tasks: Vec<F>)
where
    F: Future<Output = Result<T, E>>,
    E: fmt::Debug,
    T: fmt::Debug,
{
    for result in join_all(tasks).await {
        result.expect("a task should not fail");
    }
}

/// Everyone has as many.
const WORKERS: usize = 2;

/// In microseconds.
fn timed(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_normal_durations_are_within_their_bounds_and_the_same_each_time() {
        let micros = Duration::from_micros;
        let draw = || log_normal(1_000, micros(100), 1.6, micros(10), micros(50_000));
        let mut durations = draw();
        assert_eq!(durations, draw());
        durations.sort_unstable();
        assert_eq!(durations[0], micros(10));
        assert!((80..125).contains(&durations[500].as_micros()));
        assert!(durations[999] <= micros(50_000));
    }
}
