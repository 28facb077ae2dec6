//! The error of building a pool.

use std::io;

use thiserror::Error;

use crate::error::EncodeError;

/// The reason why a pool can't be built. Each message says what to do.
///
/// ```
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = procpool::ProcessPool::builder().workers(0).build().unwrap_err();
/// assert!(error.to_string().contains("give it at least one"));
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// This process never called [`init`](crate::init).
    #[error(
        "procpool is not initialised: call `procpool::init()` in the first line of `main`, or \
         write `#[procpool::main]` (in tests `#[procpool::test]`) instead of tokio's attribute"
    )]
    NotInitialized,
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
    /// An option has an impossible value.
    #[error("the option `{option}` can't be {value}: {expected}")]
    #[non_exhaustive]
    Option {
        /// The name of the option, a method of [`Builder`](crate::Builder).
        option: &'static str,
        /// The value it was set to.
        value: String,
        /// The values that are allowed, or why this one is not.
        expected: &'static str,
    },
    /// The call of the initializer can't be sent to a worker.
    #[error("the initializer can't be sent to a worker")]
    Initializer(#[source] EncodeError),
    /// A call that every worker must run can't be sent to a worker.
    #[error("a broadcast can't be sent to a worker")]
    Broadcast(#[source] EncodeError),
    /// `build()` was called outside a tokio runtime, or in one without an I/O driver.
    ///
    /// Tokio reports the missing I/O driver only by a panic. In a program built with
    /// `panic = "abort"` that panic ends the program, with a message that says the same.
    #[error("a pool needs a tokio runtime with I/O enabled around `build()`: {0}")]
    Runtime(String),
    /// The running executable can't be read, or lacks what identifies it.
    #[error("the running executable can't be examined")]
    Image(#[source] procpool_os::ImageError),
    /// The system refused a file descriptor that the pool needs.
    #[error("the system refused a resource that a pool needs, such as a file descriptor")]
    System(#[source] io::Error),
}
