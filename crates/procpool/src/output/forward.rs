//! Writing to a standard stream of this process without blocking a thread of the runtime.

use std::io::{self, Write};
use std::time::Instant;

use bytes::{Buf, BytesMut};
use procpool_os::output;
use tokio::net::unix::pipe;

/// A writable pipe takes this many bytes without blocking: `PIPE_BUF`, see `pipe(7)`.
const PIPE_BUF: usize = 4096;

/// The standard output or error of this process.
#[derive(Debug)]
pub(crate) struct Forward {
    stream: Stream,
    /// A pipe or terminal is opened a second time, so that it is nonblocking here only and unchanged for
    /// the rest of the program. Without this, the stream is a file, which never blocks, or of another kind;
    /// then bytes that it does not take at once are dropped.
    watched: Option<pipe::Sender>,
}

/// A standard stream of this process.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

impl Forward {
    /// # Panics
    /// As tokio does: outside a runtime, or in one without I/O.
    pub(crate) fn new(stream: Stream) -> Self {
        let watched = stream
            .reopen()
            .and_then(pipe::Sender::from_owned_fd_unchecked)
            .ok();
        Forward { stream, watched }
    }

    /// Writes all of `bytes`, and removes what was written.
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
                // The reader has closed the stream.
                Err(_) => bytes.clear(),
            }
        }
    }

    /// Writes what the stream takes at once. If its room can't be waited for, the rest is dropped.
    pub(crate) fn write_now(&self, bytes: &mut BytesMut) {
        let Some(watched) = &self.watched else {
            return self.write_until(bytes, Instant::now());
        };
        while !bytes.is_empty() {
            match watched.try_write(bytes) {
                Ok(written) => bytes.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The reader has closed the stream.
                Err(_) => bytes.clear(),
            }
        }
    }

    /// Writes what the stream takes before the deadline, and drops the rest.
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
