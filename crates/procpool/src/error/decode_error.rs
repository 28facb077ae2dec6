//! The error of decoding arguments, or of encoding or decoding a result.

use thiserror::Error;

/// The reason why arguments or a result can't be transferred. The message says on which side.
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
