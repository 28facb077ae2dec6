//! The error of a task for which no worker could be started.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use procpool_wire::Refusal;

use crate::error::WorkerExit;

/// The reason why no worker could be started for a waiting task.
///
/// The pool keeps trying, at growing intervals, so a task that is submitted later may run.
#[derive(Debug, Clone)]
pub struct WorkerStartError(Arc<Cause>);

#[derive(Debug)]
enum Cause {
    Spawn(io::Error),
    Refused(Refusal),
    Exited(WorkerExit),
    Protocol(String),
    TimedOut(Duration),
}

impl WorkerStartError {
    pub(crate) fn spawn(error: io::Error) -> Self {
        WorkerStartError(Arc::new(Cause::Spawn(error)))
    }

    pub(crate) fn refused(refusal: Refusal) -> Self {
        WorkerStartError(Arc::new(Cause::Refused(refusal)))
    }

    pub(crate) fn exited(exit: WorkerExit) -> Self {
        WorkerStartError(Arc::new(Cause::Exited(exit)))
    }

    pub(crate) fn protocol(what: String) -> Self {
        WorkerStartError(Arc::new(Cause::Protocol(what)))
    }

    pub(crate) fn timed_out(limit: Duration) -> Self {
        WorkerStartError(Arc::new(Cause::TimedOut(limit)))
    }

    /// Returns whether a worker was not ready within
    /// [`Builder::startup_timeout`](crate::Builder::startup_timeout).
    #[must_use]
    pub fn is_timed_out(&self) -> bool {
        matches!(*self.0, Cause::TimedOut(_))
    }
}

impl fmt::Display for WorkerStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Spawn(_) => f.write_str("no worker could be spawned"),
            Cause::Refused(Refusal::Broadcast(_) | Refusal::BroadcastPanicked(_)) => {
                f.write_str("the worker could not run a broadcast")
            }
            Cause::Refused(_) => f.write_str("the worker refused to start"),
            Cause::Exited(_) => f.write_str("the worker ended before it was ready"),
            Cause::Protocol(what) => {
                write!(
                    f,
                    "the started process does not behave like a worker: {what}"
                )
            }
            Cause::TimedOut(limit) => write!(f, "the worker was not ready within {limit:?}"),
        }
    }
}

impl std::error::Error for WorkerStartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Cause::Spawn(error) => Some(error),
            Cause::Refused(refusal) => Some(refusal),
            Cause::Exited(exit) => Some(exit),
            Cause::Protocol(_) | Cause::TimedOut(_) => None,
        }
    }
}
