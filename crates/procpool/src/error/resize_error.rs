//! Why a pool keeps its size.

use thiserror::Error;

/// Why [`ProcessPool::resize`](crate::ProcessPool::resize) changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResizeError {
    /// The pool was to have no worker, fewer at most than at least, or more than a system can have.
    #[error(
        "a pool can't have {min} to {max} workers: give it at least one, and min <= max \
         (and no more than 4194304)"
    )]
    #[non_exhaustive]
    Workers {
        /// The least number of workers asked for.
        min: usize,
        /// The greatest number of workers asked for.
        max: usize,
    },
    /// The pool is closed: what is left of it is what its last tasks need.
    #[error("the pool is closed, and keeps its size")]
    PoolClosed,
}
