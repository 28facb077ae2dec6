//! Aborting a task without its future.

use std::fmt;
use std::sync::Arc;

use crate::driver::WeakAccepted;
use crate::task::cell::TaskCell;
use crate::task::task_id::TaskId;

/// A handle that aborts a task from elsewhere, returned by
/// [`Task::abort_handle`](crate::Task::abort_handle).
///
/// Cloning it is cheap. It keeps neither the task nor its pool alive, and dropping it has no effect.
/// Named after tokio's `AbortHandle`.
///
/// ```
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// fn hang(_: ()) {
///     loop { std::hint::spin_loop() }
/// }
/// let pool = procpool::ProcessPool::builder().workers(1).build()?;
/// let task = pool.run_in_process(hang, ());
/// let handle = task.abort_handle();
/// tokio::spawn(async move { handle.abort() });
/// assert!(task.await.unwrap_err().is_cancelled());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct AbortHandle {
    id: TaskId,
    cell: Arc<TaskCell>,
    accepted: Option<WeakAccepted>,
}

impl AbortHandle {
    pub(crate) fn new(id: TaskId, cell: Arc<TaskCell>, accepted: Option<WeakAccepted>) -> Self {
        AbortHandle { id, cell, accepted }
    }

    /// Returns an id that names the task in logs.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Cancels the task. A queued task never runs; if it is running, its worker is killed and
    /// replaced. Its `Task` gives [`TaskError::Cancelled`](crate::TaskError::Cancelled). A finished
    /// task stays as it is.
    pub fn abort(&self) {
        if let Some(accepted) = self.unfinished() {
            accepted.cancel(&self.cell);
        }
    }

    /// Cancels the task only if it has not started. Returns whether it was cancelled: after `true`,
    /// the function never runs.
    ///
    /// This is `Future.cancel()` of Python's `concurrent.futures`.
    #[must_use = "the return value says whether the task runs anyway"]
    pub fn abort_if_queued(&self) -> bool {
        self.unfinished()
            .is_some_and(|accepted| accepted.cancel_if_queued(&self.cell))
    }

    /// Returns whether the task has a result or an error.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.cell.is_finished()
    }

    fn unfinished(&self) -> Option<&WeakAccepted> {
        self.accepted.as_ref().filter(|_| !self.cell.is_finished())
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle")
            .field("id", &self.id)
            .field("is_finished", &self.is_finished())
            .finish()
    }
}
