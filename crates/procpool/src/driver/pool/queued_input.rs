//! Inputs that are queued while another thread has the pool's lock.

use procpool_scheduler::TaskSpec;

use crate::driver::pool::job::Job;

/// An input whose sender needs no answer. The thread that has the lock handles it.
#[derive(Debug)]
pub(crate) enum QueuedInput {
    /// A task is submitted.
    Submit {
        /// The scheduler's part of the task.
        spec: TaskSpec,
        /// The driver's part of the task.
        job: Job,
    },
    /// The alarm has rung.
    Alarm,
}
