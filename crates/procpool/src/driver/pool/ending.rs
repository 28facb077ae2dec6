//! The end of a worker.

use crate::error::{WorkerExit, WorkerStartError};

/// How a worker ended.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    /// It had been ready before.
    Exited(WorkerExit),
    /// It never was ready.
    NotStarted(WorkerStartError),
}
