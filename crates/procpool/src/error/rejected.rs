//! A call that the pool did not accept.

use std::error::Error;
use std::fmt;

use procpool_scheduler::RefusedReason;

use crate::error::TaskError;

/// A call that a pool did not accept, with its arguments.
///
/// Returned by [`ProcessPool::try_run_in_process`](crate::ProcessPool::try_run_in_process). The pool
/// keeps nothing of the call.
pub struct Rejected<A> {
    args: A,
    reason: RefusedReason,
}

impl<A> Rejected<A> {
    pub(crate) fn new(args: A, reason: RefusedReason) -> Self {
        Rejected { args, reason }
    }

    /// Returns the arguments, unchanged.
    #[must_use]
    pub fn into_args(self) -> A {
        self.args
    }

    /// Returns whether the queue was full. The same call may be accepted later.
    #[must_use]
    pub fn is_queue_full(&self) -> bool {
        self.reason == RefusedReason::QueueFull
    }

    /// Returns whether the pool is closed.
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
