//! The report of a shutdown.

use std::time::Duration;

use crate::driver::Tally;

/// A report of a shutdown: the tasks it abandoned, the workers it killed, and the time it took.
///
/// Returned by [`ProcessPool::shutdown_timeout`](crate::ProcessPool::shutdown_timeout) and
/// [`ProcessPool::terminate`](crate::ProcessPool::terminate). It counts from the moment when that
/// call began.
///
/// ```
/// # use std::time::Duration;
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = procpool::ProcessPool::builder().workers(1).build()?;
/// assert_eq!(pool.run_in_process(|x: u32| x + 1, 1).await?, 2);
/// let report = pool.shutdown_timeout(Duration::from_secs(60)).await;
/// assert!(report.is_clean());
/// # Ok(()) }
/// ```
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

    /// Returns the number of accepted tasks that had not finished and got an error.
    #[must_use]
    pub fn abandoned_tasks(&self) -> usize {
        self.abandoned
    }

    /// Returns the number of workers that were killed instead of exiting by themselves.
    #[must_use]
    pub fn killed_workers(&self) -> usize {
        self.killed
    }

    /// Returns the time until the last worker was gone.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Returns whether all accepted tasks finished and all workers exited by themselves.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.abandoned == 0 && self.killed == 0
    }
}
