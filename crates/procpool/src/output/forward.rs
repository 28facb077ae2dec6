//! A standard stream of this process, written without ever waiting for it in a blocked thread.

use std::io::{self, Write};
use std::time::Instant;

use bytes::{Buf, BytesMut};
use procpool_os::output;
use tokio::net::unix::pipe;

/// What a pipe that is writable takes without blocking: `PIPE_BUF`, pipe(7).
const PIPE_BUF: usize = 4096;

/// The standard output or error of this process.
#[derive(Debug)]
pub(crate) struct Forward {
    stream: Stream,
    /// A pipe or a terminal is opened a second time, so that it can be nonblocking here and stays as
    /// it is for everyone else. A file always takes what it is given. Of anything else, what it
    /// doesn't take at once is lost, and the pool goes on.
    watched: Option<pipe::Sender>,
}

/// Which stream of this process.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

impl Forward {
    /// # Panics
    /// Where tokio does: outside of a runtime, or in one without I/O.
    pub(crate) fn new(stream: Stream) -> Self {
        let watched = stream
            .reopen()
            .and_then(pipe::Sender::from_owned_fd_unchecked)
            .ok();
        Forward { stream, watched }
    }

    /// Takes from `bytes` what it has written, until that is all of it.
    ///
    /// # Cancel safety
    /// What is left in `bytes` was not written.
    pub(crate) async fn write(&self, bytes: &mut BytesMut) {
        let Some(watched) = &self.watched else {
            return self.write_until(bytes, Instant::now());
        };
        while !bytes.is_empty() {
            match watched.try_write(bytes) {
                Ok(written) => bytes.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if watched.writable().await.is_err() {
                        bytes.clear();
                    }
                }
                // Nobody is there to read it any more.
                Err(_) => bytes.clear(),
            }
        }
    }

    /// Takes from `bytes` what the other end takes at once. Where that can't be waited for, the rest is lost.
    pub(crate) fn write_now(&self, bytes: &mut BytesMut) {
        let Some(watched) = &self.watched else {
            return self.write_until(bytes, Instant::now());
        };
        while !bytes.is_empty() {
            match watched.try_write(bytes) {
                Ok(written) => bytes.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Nobody is there to read it any more.
                Err(_) => bytes.clear(),
            }
        }
    }

    /// Writes what the other end takes before the deadline; the rest is lost.
    pub(crate) fn write_until(&self, bytes: &mut BytesMut, deadline: Instant) {
        if let Some(watched) = &self.watched {
            output::write_until(watched, bytes, deadline);
            return bytes.clear();
        }
        while !bytes.is_empty() {
            let part = &bytes[..bytes.len().min(PIPE_BUF)];
            match self.stream.write_if_writable(part) {
                Ok(written) => bytes.advance(written),
                Err(_) => bytes.clear(),
            }
        }
    }
}

impl Stream {
    fn reopen(self) -> io::Result<std::os::fd::OwnedFd> {
        match self {
            Stream::Stdout => output::reopen_nonblocking(io::stdout()),
            Stream::Stderr => output::reopen_nonblocking(io::stderr()),
        }
    }

    fn write_if_writable(self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Stdout if output::is_writable(io::stdout()) => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes)?;
                stdout.flush()?;
            }
            Stream::Stderr if output::is_writable(io::stderr()) => io::stderr().write_all(bytes)?,
            Stream::Stdout | Stream::Stderr => return Err(io::ErrorKind::WouldBlock.into()),
        }
        Ok(bytes.len())
    }
}
