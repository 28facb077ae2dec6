//! A call that was not accepted, with what belongs to the caller.

use std::error::Error;
use std::fmt;

use procpool_scheduler::RefusedReason;

use crate::error::TaskError;

/// A call that a pool did not accept, with the arguments that it was made with.
///
/// From [`ProcessPool::try_run_in_process`](crate::ProcessPool::try_run_in_process). Nothing of the
/// call is left in the pool.
pub struct Rejected<A> {
    args: A,
    reason: RefusedReason,
}

impl<A> Rejected<A> {
    pub(crate) fn new(args: A, reason: RefusedReason) -> Self {
        Rejected { args, reason }
    }

    /// The arguments, unchanged.
    #[must_use]
    pub fn into_args(self) -> A {
        self.args
    }

    /// Whether there was no room; later there may be.
    #[must_use]
    pub fn is_queue_full(&self) -> bool {
        self.reason == RefusedReason::QueueFull
    }

    /// Whether the pool accepts nothing more.
    #[must_use]
    pub fn is_pool_closed(&self) -> bool {
        self.reason == RefusedReason::Closed
    }
}

impl<A> fmt::Debug for Rejected<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl<A> fmt::Display for Rejected<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TaskError::refused(self.reason).fmt(f)
    }
}

impl<A> Error for Rejected<A> {}

/// Drops the arguments.
impl<A> From<Rejected<A>> for TaskError {
    fn from(rejected: Rejected<A>) -> Self {
        TaskError::refused(rejected.reason)
    }
}
