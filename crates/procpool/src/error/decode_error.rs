//! A value that did not come through.

use thiserror::Error;

/// A value that did not come through, on which side, and why.
#[derive(Debug, Clone, Error)]
#[error("{0}")]
pub struct DecodeError(Box<str>);

impl DecodeError {
    pub(crate) fn args(why: impl std::fmt::Display) -> Self {
        DecodeError(format!("the worker can't decode the arguments: {why}").into())
    }

    pub(crate) fn result_in_worker(why: impl std::fmt::Display) -> Self {
        DecodeError(format!("the worker can't encode the result: {why}").into())
    }

    pub(crate) fn result(why: impl std::fmt::Display) -> Self {
        DecodeError(format!("the result can't be decoded: {why}").into())
    }

    pub(crate) fn function(why: impl std::fmt::Display) -> Self {
        DecodeError(format!("the worker can't find the function: {why}").into())
    }
}
