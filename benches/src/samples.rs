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
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        micros(sorted[sorted.len() / 2])
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
