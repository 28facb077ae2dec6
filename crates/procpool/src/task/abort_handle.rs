//! Aborting a task from elsewhere.

use std::fmt;
use std::sync::Arc;

use crate::driver::WeakAccepted;
use crate::task::cell::TaskCell;
use crate::task::task_id::TaskId;

/// Aborts a task from elsewhere; made by [`Task::abort_handle`](crate::Task::abort_handle).
///
/// Cheap to clone. It keeps neither the task nor its pool alive, and dropping it does nothing.
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

    /// The task's name in logs.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Cancels the task, wherever it is: queued, it never runs; running, its worker is killed and
    /// replaced. Its `Task` gives [`TaskError::Cancelled`](crate::TaskError::Cancelled). A finished
    /// task is left as it is.
    pub fn abort(&self) {
        if let Some(accepted) = self.unfinished() {
            accepted.cancel(&self.cell);
        }
    }

    /// Cancels the task only if it has not begun, and tells whether it did: `true` means that the
    /// function never runs. This is what `Future.cancel()` does in Python's `concurrent.futures`.
    #[must_use = "the answer tells whether the task runs all the same"]
    pub fn abort_if_queued(&self) -> bool {
        self.unfinished()
            .is_some_and(|accepted| accepted.cancel_if_queued(&self.cell))
    }

    /// Whether the task has a result or an error.
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
