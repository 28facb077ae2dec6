//! A task on its way to the scheduler.

use procpool_scheduler::TaskSpec;

use crate::driver::pool::job::Job;

/// What is submitted.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) spec: TaskSpec,
    pub(crate) job: Job,
}
