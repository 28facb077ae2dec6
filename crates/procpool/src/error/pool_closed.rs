//! The error of waiting for a pool that is closed.

use thiserror::Error;

use crate::error::TaskError;

/// The pool accepts no new tasks: it was closed or terminated, or its runtime has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the pool is closed")]
pub struct PoolClosed(());

impl PoolClosed {
    pub(crate) fn new() -> Self {
        PoolClosed(())
    }
}

/// Lets a function that also awaits tasks use `?` with [`TaskError`] alone.
impl From<PoolClosed> for TaskError {
    fn from(PoolClosed(()): PoolClosed) -> Self {
        TaskError::PoolClosed
    }
}
