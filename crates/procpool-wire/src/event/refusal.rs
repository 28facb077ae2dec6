//! Why a worker can't serve its parent.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a worker can't serve its parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The two speak different versions of the protocol.
    #[error("the worker speaks version {worker} of the protocol, its parent version {parent}")]
    Version {
        /// The parent's version.
        parent: u32,
        /// The worker's version.
        worker: u32,
    },
    /// The two are different builds: a function's offset in one means nothing in the other.
    #[error("the worker is another build than its parent: {0}")]
    Build(String),
    /// The initializer gave an error.
    #[error("the initializer failed: {0}")]
    Initializer(String),
    /// The initializer panicked.
    #[error("the initializer panicked{}: {}", .0.place(), .0.first_line())]
    InitializerPanicked(PanicReport),
    /// A broadcast gave an error.
    #[error("a broadcast failed: {0}")]
    Broadcast(String),
    /// A broadcast panicked.
    #[error("a broadcast panicked{}: {}", .0.place(), .0.first_line())]
    BroadcastPanicked(PanicReport),
    /// The worker could not set itself up.
    #[error("the worker could not set itself up: {0}")]
    Setup(String),
}

/// A panic, as the worker saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanicReport {
    /// What the panic said; a payload that isn't a string is described.
    pub message: String,
    /// `file:line:column`.
    pub location: Option<String>,
    /// The backtrace, where `RUST_BACKTRACE` asks for one.
    pub backtrace: Option<String>,
}

impl PanicReport {
    /// The message up to its first line's end, so that an error stays one line.
    #[must_use]
    pub fn first_line(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// " at file:line:column", or nothing if it is not known.
    #[must_use]
    pub fn place(&self) -> String {
        self.location
            .as_ref()
            .map(|location| format!(" at {location}"))
            .unwrap_or_default()
    }
}
