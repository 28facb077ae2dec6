//! How long something took, each time.

use std::time::{Duration, Instant};

/// The durations of one run of a workload.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// None yet, with room for so many.
    #[must_use]
    pub fn with_capacity(times: usize) -> Self {
        Samples(Vec::with_capacity(times))
    }

    /// One more, from `began` until now.
    pub fn add_since(&mut self, began: Instant) {
        self.0.push(began.elapsed());
    }

    /// One more.
    pub fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// All of them together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.0.iter().sum()
    }

    /// The mean, in microseconds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        micros(self.total()) / self.0.len() as f64
    }

    /// The median, in microseconds.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn p50(&self) -> f64 {
        self.quantile(1, 2)
    }

    /// What 99 of 100 don't exceed, in microseconds.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn p99(&self) -> f64 {
        self.quantile(99, 100)
    }

    /// What 999 of 1000 don't exceed, in microseconds.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn p999(&self) -> f64 {
        self.quantile(999, 1000)
    }

    /// How many took longer.
    #[must_use]
    pub fn longer_than(&self, limit: Duration) -> usize {
        self.0.iter().filter(|&&sample| sample > limit).count()
    }

    /// Adds those of another run.
    pub fn append(&mut self, mut others: Samples) {
        self.0.append(&mut others.0);
    }

    fn quantile(&self, numerator: usize, denominator: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        micros(sorted[sorted.len() * numerator / denominator])
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
