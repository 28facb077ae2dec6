//! The error of those who waited for a pool that was closed.

use thiserror::Error;

use crate::error::TaskError;

/// The pool accepts nothing more: it was closed or terminated, or its runtime has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the pool is closed")]
pub struct PoolClosed(());

impl PoolClosed {
    pub(crate) fn new() -> Self {
        PoolClosed(())
    }
}

/// For a function that also awaits tasks, and has one kind of error.
impl From<PoolClosed> for TaskError {
    fn from(PoolClosed(()): PoolClosed) -> Self {
        TaskError::PoolClosed
    }
}
