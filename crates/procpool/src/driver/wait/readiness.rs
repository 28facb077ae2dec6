//! Waiting until a descriptor of any kind is readable.

use std::io;
use std::os::fd::AsFd;

use tokio::net::unix::pipe;

/// A descriptor that the runtime watches.
///
/// To tokio the descriptor is the receiving end of a pipe, which is the only type that takes any descriptor
/// without `unsafe`: `AsyncFd` needs `unsafe` code. It is used only for waiting and reading.
#[derive(Debug)]
pub(crate) struct Readiness(pipe::Receiver);

impl Readiness {
    /// Watches a duplicate of the descriptor.
    ///
    /// # Panics
    /// As tokio does: outside of a runtime, or in one without I/O.
    pub(crate) fn new(descriptor: impl AsFd) -> io::Result<Self> {
        let duplicate = descriptor.as_fd().try_clone_to_owned()?;
        pipe::Receiver::from_owned_fd_unchecked(duplicate).map(Readiness)
    }

    /// Waits until the descriptor is readable. If the runtime stops first, it waits forever.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn readable(&self) {
        if self.0.readable().await.is_err() {
            std::future::pending().await
        }
    }

    /// Reads all available bytes and discards them.
    pub(crate) fn drain(&self) {
        let mut bytes = [0; 64];
        while matches!(self.0.try_read(&mut bytes), Ok(1..)) {}
    }
}
