//! Why a task has no result.

use std::time::Duration;

use procpool_scheduler::RefusedReason;
use thiserror::Error;

use crate::error::{DecodeError, EncodeError, LimitExceeded, Panic, WorkerExit, WorkerStartError};

/// Why a task has no result.
///
/// An error of the function itself is none of these: a function that returns `Result` gives it
/// back inside, `task.await??`.
///
/// Each kind has a predicate, so that a program needn't match on an enum that may grow:
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
    /// The function panicked. Its worker lives on.
    #[error(transparent)]
    Panicked(Panic),
    /// The worker died while it ran the function: by a signal, an exit, an abort, or for want of
    /// memory. A replacement has been started; no other task has noticed.
    #[error(transparent)]
    WorkerExited(WorkerExit),
    /// A time limit passed. If the function was running, its worker has been killed.
    #[error("the task timed out: {phase} for longer than {limit:?}")]
    #[non_exhaustive]
    TimedOut {
        /// What the task was doing when the limit passed.
        phase: TimeoutPhase,
        /// The limit: [`TaskOptions::timeout`](crate::TaskOptions::timeout) or
        /// [`TaskOptions::queue_timeout`](crate::TaskOptions::queue_timeout).
        limit: Duration,
    },
    /// The task was aborted, by [`Task::abort`](crate::Task::abort) or an
    /// [`AbortHandle`](crate::AbortHandle).
    #[error("the task was cancelled")]
    Cancelled,
    /// As many tasks wait as [`Builder::queue_capacity`](crate::Builder::queue_capacity) allows; the
    /// task was not accepted.
    #[error("the pool's queue is full")]
    QueueFull,
    /// The pool accepts nothing more, or was terminated, or its runtime stopped, before the task
    /// finished.
    #[error("the pool is closed")]
    PoolClosed,
    /// No worker could be started to run the task.
    #[error(transparent)]
    WorkerStart(WorkerStartError),
    /// The task used more CPU time or memory than it may.
    #[error(transparent)]
    LimitExceeded(LimitExceeded),
    /// The task could not be sent to a worker: its arguments can't be encoded, or its function is
    /// not one of this executable.
    #[error(transparent)]
    Encode(EncodeError),
    /// The worker could not decode the arguments, the worker could not encode the result, or this
    /// process could not decode it.
    #[error(transparent)]
    Decode(DecodeError),
}

/// What a task was doing when it timed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutPhase {
    /// It waited for a worker.
    Queued,
    /// It ran.
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

    /// Whether the function panicked.
    #[must_use]
    pub fn is_panicked(&self) -> bool {
        matches!(self, TaskError::Panicked(_))
    }

    /// Whether the worker died while it ran the function.
    #[must_use]
    pub fn is_worker_exited(&self) -> bool {
        matches!(self, TaskError::WorkerExited(_))
    }

    /// Whether a time limit passed, in whichever phase.
    #[must_use]
    pub fn is_timed_out(&self) -> bool {
        matches!(self, TaskError::TimedOut { .. })
    }

    /// Whether the task was aborted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, TaskError::Cancelled)
    }

    /// Whether the task was refused for want of room in the queue.
    #[must_use]
    pub fn is_queue_full(&self) -> bool {
        matches!(self, TaskError::QueueFull)
    }

    /// Whether the pool was closed before the task finished.
    #[must_use]
    pub fn is_pool_closed(&self) -> bool {
        matches!(self, TaskError::PoolClosed)
    }

    /// Whether no worker could be started.
    #[must_use]
    pub fn is_worker_start(&self) -> bool {
        matches!(self, TaskError::WorkerStart(_))
    }

    /// Whether the task used more CPU time or memory than it may.
    #[must_use]
    pub fn is_limit_exceeded(&self) -> bool {
        matches!(self, TaskError::LimitExceeded(_))
    }

    /// Whether the task could not be encoded for a worker.
    #[must_use]
    pub fn is_encode(&self) -> bool {
        matches!(self, TaskError::Encode(_))
    }

    /// Whether arguments or result could not be carried over.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        matches!(self, TaskError::Decode(_))
    }
}
