//! Waiting until a descriptor of any kind is readable.

use std::io;
use std::os::fd::AsFd;

use tokio::net::unix::pipe;

/// A descriptor that the runtime watches.
///
/// The receiving end of a pipe is tokio's one safe type for descriptors that it has no type for:
/// `AsyncFd` asks for `unsafe` to be registered. Nothing of a pipe but waiting and reading is used.
#[derive(Debug)]
pub(crate) struct Readiness(pipe::Receiver);

impl Readiness {
    /// Watches a duplicate of the descriptor.
    ///
    /// # Panics
    /// Where tokio does: outside of a runtime, or in one without I/O.
    pub(crate) fn new(descriptor: impl AsFd) -> io::Result<Self> {
        let duplicate = descriptor.as_fd().try_clone_to_owned()?;
        pipe::Receiver::from_owned_fd_unchecked(duplicate).map(Readiness)
    }

    /// Waits until the descriptor is readable; for ever if the runtime stops before.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn readable(&self) {
        if self.0.readable().await.is_err() {
            std::future::pending().await
        }
    }

    /// Reads and throws away what is there.
    pub(crate) fn drain(&self) {
        let mut bytes = [0; 64];
        while matches!(self.0.try_read(&mut bytes), Ok(1..)) {}
    }
}
