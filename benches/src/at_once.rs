//! Many tiny tasks at once.

use std::fmt;
use std::time::Instant;

use futures::future::join_all;
use procpool::ProcessPool;
use tokio::task;

use crate::procspawn_pool::Procspawn;
use crate::prototype::Prototype;
use crate::rayon_threads::Rayon;
use crate::samples::Samples;
use crate::threads::Threads;
use crate::tiny::increment;
use crate::workload::Workload;

/// Calls so many tiny tasks, then awaits them all.
#[derive(Clone, Copy, Debug)]
pub struct AtOnce(pub usize);

/// [`Threads`], awaited without the cooperative budget.
#[derive(Clone, Copy, Debug)]
pub struct Unconstrained;

impl Unconstrained {
    /// Its name in criterion's ids and in the tables.
    pub const NAME: &'static str = "unconstrained";
}

impl Workload<ProcessPool> for AtOnce {
    async fn run(self, pool: &mut ProcessPool, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        for _ in 0..times {
            let began = Instant::now();
            let tasks = (0..self.0 as u64).map(|number| pool.run_in_process(increment, number));
            let sum = sum_of_all(tasks).await;
            samples.add_since(began);
            assert_eq!(sum, self.sum());
        }
        samples
    }
}

impl Workload<Prototype> for AtOnce {
    async fn run(self, prototype: &mut Prototype, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        for _ in 0..times {
            let began = Instant::now();
            let calls = (0..self.0 as u64).map(|number| prototype.call(number));
            let sum = sum_of_all(calls).await;
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

impl Workload<Rayon> for AtOnce {
    async fn run(self, rayon: &mut Rayon, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        for _ in 0..times {
            let began = Instant::now();
            let calls = (0..self.0 as u64).map(|number| rayon.spawn(move || increment(number)));
            let sum = sum_of_all(calls).await;
            samples.add_since(began);
            assert_eq!(sum, self.sum());
        }
        samples
    }
}

impl Workload<Procspawn> for AtOnce {
    async fn run(self, procspawn: &mut Procspawn, times: usize) -> Samples {
        let mut samples = Samples::with_capacity(times);
        for _ in 0..times {
            let began = Instant::now();
            let mut sum = 0;
            procspawn.call_all(increment, 0..self.0 as u64, |result| sum += result);
            samples.add_since(began);
            assert_eq!(sum, self.sum());
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
        sum_of_all(handles).await
    }
}

/// Awaits them all.
async fn sum_of_all<F, E>(calls: impl Iterator<Item = F>) -> u64
where
    F: Future<Output = Result<u64, E>>,
    E: fmt::Debug,
{
    join_all(calls)
        .await
        .into_iter()
        .map(|result| result.expect("a tiny task should not fail"))
        .sum()
}
