//! The error of encoding a call.

use thiserror::Error;

/// The reason why a call can't be sent to a worker.
#[derive(Debug, Clone, Error)]
#[error("{0}")]
pub struct EncodeError(Box<str>);

impl EncodeError {
    pub(crate) fn args(why: impl std::fmt::Display) -> Self {
        EncodeError(format!("the arguments can't be encoded: {why}").into())
    }

    pub(crate) fn function(why: impl std::fmt::Display) -> Self {
        EncodeError(format!("the function can't be sent to a worker: {why}").into())
    }
}
