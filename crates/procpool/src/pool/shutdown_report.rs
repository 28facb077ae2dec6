//! What a shutdown had to break off.

use std::time::Duration;

use crate::driver::Tally;

/// What became of the tasks and workers that a pool had when its shutdown began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutdownReport {
    abandoned: usize,
    killed: usize,
    took: Duration,
}

impl ShutdownReport {
    pub(crate) fn new(tally: Tally, took: Duration) -> Self {
        ShutdownReport {
            abandoned: tally.abandoned,
            killed: tally.killed,
            took,
        }
    }

    /// How many accepted tasks were unfinished and got an error.
    #[must_use]
    pub fn abandoned_tasks(&self) -> usize {
        self.abandoned
    }

    /// How many workers had to be killed, rather than exiting by themselves.
    #[must_use]
    pub fn killed_workers(&self) -> usize {
        self.killed
    }

    /// How long it took until the last worker was gone.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Whether all accepted tasks finished and all workers exited by themselves.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.abandoned == 0 && self.killed == 0
    }
}
