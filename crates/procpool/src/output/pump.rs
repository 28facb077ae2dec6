//! Draining one output stream of a worker.

use std::convert::Infallible;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use bytes::BytesMut;
use tokio::net::unix::pipe;

use crate::output::forward::Forward;
use crate::output::lines::Lines;
use crate::output::tail::Tail;

/// The greatest number of bytes that one read takes: 16 KiB.
const READ_LEN: usize = 16 * 1024;

/// The greatest number of reads after the worker has ended: more than a pipe holds, so only a
/// descendant that keeps writing is cut off.
const LAST_READS: usize = 256;

/// Drains one output stream of a worker: forwards it and keeps its end.
#[derive(Debug)]
pub(crate) struct Pump {
    source: pipe::Receiver,
    sink: Sink,
    tail: Tail,
    /// Bytes that were read and not forwarded.
    pending: BytesMut,
}

/// The destination of the stream.
#[derive(Debug)]
pub(crate) enum Sink {
    /// To a stream of this process.
    Forward(Forward),
    /// To `tracing`.
    Lines(Lines),
}

impl Pump {
    /// # Panics
    /// As tokio does: outside a runtime, or in one without I/O.
    pub(crate) fn new(source: OwnedFd, sink: Sink) -> io::Result<Self> {
        let source = pipe::Receiver::from_owned_fd(source)?;
        Ok(Pump {
            source,
            sink,
            tail: Tail::default(),
            pending: BytesMut::new(),
        })
    }

    /// Forwards the stream until the worker and all of its children have closed it; then waits forever.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn run(&mut self) -> Infallible {
        loop {
            match &mut self.sink {
                Sink::Forward(forward) => forward.write(&mut self.pending).await,
                Sink::Lines(lines) => lines.push(&std::mem::take(&mut self.pending)),
            }
            let is_open = self.source.readable().await.is_ok();
            if !is_open || !self.read().unwrap_or(true) {
                return std::future::pending().await;
            }
        }
    }

    /// Reads the stream of an ended worker without waiting, and returns its end. What can't be forwarded
    /// at once is kept; see [`has_more`](Pump::has_more).
    pub(crate) fn drain(&mut self) -> Tail {
        self.read_last(Forward::write_now);
        std::mem::take(&mut self.tail)
    }

    /// Returns whether bytes were read and not forwarded.
    pub(crate) fn has_more(&self) -> bool {
        matches!(self.sink, Sink::Forward(_)) && !self.pending.is_empty()
    }

    /// Forwards the kept bytes as soon as the destination takes them.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn pass_on(&mut self) {
        if let Sink::Forward(forward) = &self.sink {
            forward.write(&mut self.pending).await;
        }
    }

    /// Reads and forwards the rest of the stream. It waits for the destination only, until the deadline.
    pub(crate) fn finish(mut self, deadline: Instant) {
        self.read_last(|forward, pending| forward.write_until(pending, deadline));
    }

    fn read_last(&mut self, write: impl Fn(&Forward, &mut BytesMut)) {
        for _ in 0..LAST_READS {
            match &mut self.sink {
                Sink::Forward(forward) => write(forward, &mut self.pending),
                Sink::Lines(lines) => lines.push(&std::mem::take(&mut self.pending)),
            }
            if self.read() != Some(true) {
                break;
            }
        }
        if let Sink::Lines(lines) = &mut self.sink {
            lines.end();
        }
    }

    /// Reads once. Returns whether the stream goes on, or `None` if it has no bytes at the moment.
    fn read(&mut self) -> Option<bool> {
        let mut bytes = [0; READ_LEN];
        match self.source.try_read(&mut bytes) {
            Ok(read) => {
                self.tail.push(&bytes[..read]);
                self.pending.extend_from_slice(&bytes[..read]);
                Some(read > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(_) => Some(false),
        }
    }
}
