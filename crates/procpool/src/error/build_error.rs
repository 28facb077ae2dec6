//! Why a pool can't be built.

use std::io;

use thiserror::Error;

use crate::error::EncodeError;

/// Why a pool can't be built. Each message says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// This process never called [`init`](crate::init).
    #[error(
        "procpool is not initialised: call `procpool::init()` in the first line of `main`, or \
         write `#[procpool::main]` (in tests `#[procpool::test]`) in place of tokio's attribute"
    )]
    NotInitialized,
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
    /// An option has a value that can't be.
    #[error("the option `{option}` can't be {value}: {expected}")]
    #[non_exhaustive]
    Option {
        /// Which option of the [`Builder`](crate::Builder).
        option: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The initializer can't be sent to a worker.
    #[error("the initializer can't be sent to a worker")]
    Initializer(#[source] EncodeError),
    /// What every worker is to run can't be sent to one.
    #[error("a broadcast can't be sent to a worker")]
    Broadcast(#[source] EncodeError),
    /// There is no tokio runtime here, or it has no I/O driver. The latter tokio tells by a panic
    /// only, which under `panic = "abort"` ends the program, with a message that says the same.
    #[error("a pool needs a tokio runtime with I/O enabled around `build()`: {0}")]
    Runtime(String),
    /// The running executable can't be read as one.
    #[error("the running executable can't be examined")]
    Image(#[source] procpool_os::ImageError),
    /// The system refused a descriptor that the pool needs.
    #[error("the system refused what a pool needs")]
    System(#[source] io::Error),
}
