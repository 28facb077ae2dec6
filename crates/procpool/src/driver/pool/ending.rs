//! The end of a worker.

use crate::error::{WorkerExit, WorkerStartError};

/// How a worker ended.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    /// The process exited after the worker was ready.
    Exited(WorkerExit),
    /// The worker was never ready.
    NotStarted(WorkerStartError),
}
