//! Inputs that are enqueued while another thread has the pool's lock.

use procpool_scheduler::TaskSpec;

use crate::driver::pool::job::Job;

/// An input that returns nothing to its sender, so that the thread that has the lock can handle it.
#[derive(Debug)]
pub(crate) enum QueuedInput {
    /// A task is submitted.
    Submit {
        /// The scheduler's part of the task.
        spec: TaskSpec,
        /// The driver's part of the task.
        job: Job,
    },
    /// The alarm's time has come.
    Alarm,
}
