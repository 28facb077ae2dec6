//! The error of resizing a pool.

use thiserror::Error;

/// The reason why [`ProcessPool::resize`](crate::ProcessPool::resize) changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResizeError {
    /// The pool would have no worker, a minimum above its maximum, or more workers than a system can
    /// have processes.
    #[error(
        "a pool can't have {min} to {max} workers: give it at least one, and min <= max \
         (and no more than 4194304)"
    )]
    #[non_exhaustive]
    Workers {
        /// The least number of workers requested.
        min: usize,
        /// The greatest number of workers requested.
        max: usize,
    },
    /// The pool is closed, so its size no longer changes.
    #[error("the pool is closed, so its size can't be changed")]
    PoolClosed,
}
