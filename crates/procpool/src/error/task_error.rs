//! The error of a task.

use std::time::Duration;

use procpool_scheduler::RefusedReason;
use thiserror::Error;

use crate::error::{DecodeError, EncodeError, LimitExceeded, Panic, WorkerExit, WorkerStartError};

/// The reason why a task has no result.
///
/// An error that the function itself returns is not one of these: if the function returns a
/// `Result`, that is the task's result, and `task.await??` unwraps both.
///
/// Each variant has a predicate, so that a program need not match on an enum that may grow:
///
/// ```
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// fn reckless(n: u32) -> u32 {
///     if n == 13 { std::process::abort() }
///     n
/// }
/// let pool = procpool::ProcessPool::builder().workers(1).build()?;
/// let error = pool.run_in_process(reckless, 13).await.unwrap_err();
/// assert!(error.is_worker_exited());
/// assert_eq!(pool.run_in_process(reckless, 12).await?, 12);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The function panicked. Its worker keeps running.
    #[error(transparent)]
    Panicked(Panic),
    /// The worker died while it ran the function: it was killed by a signal, exited, aborted, or ran
    /// out of memory. A new worker replaces it; no other task is affected.
    #[error(transparent)]
    WorkerExited(WorkerExit),
    /// A time limit passed. If the function was running, its worker was killed.
    #[error("the task timed out: {phase} for longer than {limit:?}")]
    #[non_exhaustive]
    TimedOut {
        /// Whether the task was queued or running.
        phase: TimeoutPhase,
        /// The limit that passed: [`TaskOptions::timeout`](crate::TaskOptions::timeout) or
        /// [`TaskOptions::queue_timeout`](crate::TaskOptions::queue_timeout).
        limit: Duration,
    },
    /// The task was aborted by [`Task::abort`](crate::Task::abort) or an
    /// [`AbortHandle`](crate::AbortHandle), or by the set or pool that it belonged to.
    #[error("the task was cancelled")]
    Cancelled,
    /// The task was not accepted: as many tasks are queued as
    /// [`Builder::queue_capacity`](crate::Builder::queue_capacity) allows.
    #[error("the pool's queue is full")]
    QueueFull,
    /// The pool was closed before it accepted the task, or it was terminated, or its runtime stopped,
    /// before the task finished.
    #[error("the pool is closed")]
    PoolClosed,
    /// No worker could be started to run the task.
    #[error(transparent)]
    WorkerStart(WorkerStartError),
    /// The task used more CPU time or memory than its limit.
    #[error(transparent)]
    LimitExceeded(LimitExceeded),
    /// The task could not be sent to a worker: its arguments can't be encoded, or its function is not
    /// in this executable.
    #[error(transparent)]
    Encode(EncodeError),
    /// The worker could not decode the arguments or encode the result, or this process could not
    /// decode the result.
    #[error(transparent)]
    Decode(DecodeError),
}

/// The phase in which a task timed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutPhase {
    /// It was waiting for a worker.
    Queued,
    /// It was running.
    Running,
}

impl std::fmt::Display for TimeoutPhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            TimeoutPhase::Queued => "it was queued",
            TimeoutPhase::Running => "it ran",
        })
    }
}

impl TaskError {
    pub(crate) fn refused(reason: RefusedReason) -> Self {
        match reason {
            RefusedReason::QueueFull => TaskError::QueueFull,
            RefusedReason::Closed => TaskError::PoolClosed,
        }
    }

    /// Returns whether the function panicked.
    #[must_use]
    pub fn is_panicked(&self) -> bool {
        matches!(self, TaskError::Panicked(_))
    }

    /// Returns whether the worker died while it ran the function.
    #[must_use]
    pub fn is_worker_exited(&self) -> bool {
        matches!(self, TaskError::WorkerExited(_))
    }

    /// Returns whether a time limit passed, in either phase.
    #[must_use]
    pub fn is_timed_out(&self) -> bool {
        matches!(self, TaskError::TimedOut { .. })
    }

    /// Returns whether the task was aborted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, TaskError::Cancelled)
    }

    /// Returns whether the task was refused because the queue was full.
    #[must_use]
    pub fn is_queue_full(&self) -> bool {
        matches!(self, TaskError::QueueFull)
    }

    /// Returns whether the pool was closed before the task finished.
    #[must_use]
    pub fn is_pool_closed(&self) -> bool {
        matches!(self, TaskError::PoolClosed)
    }

    /// Returns whether no worker could be started.
    #[must_use]
    pub fn is_worker_start(&self) -> bool {
        matches!(self, TaskError::WorkerStart(_))
    }

    /// Returns whether the task used more CPU time or memory than its limit.
    #[must_use]
    pub fn is_limit_exceeded(&self) -> bool {
        matches!(self, TaskError::LimitExceeded(_))
    }

    /// Returns whether the call could not be sent to a worker.
    #[must_use]
    pub fn is_encode(&self) -> bool {
        matches!(self, TaskError::Encode(_))
    }

    /// Returns whether the arguments or the result could not be transferred.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        matches!(self, TaskError::Decode(_))
    }
}
