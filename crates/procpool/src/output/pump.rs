//! Draining one worker's output.

use std::convert::Infallible;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use bytes::BytesMut;
use tokio::net::unix::pipe;

use crate::output::forward::Forward;
use crate::output::lines::Lines;
use crate::output::tail::Tail;

/// Bytes that one read may bring: 16 KiB.
const READ_LEN: usize = 16 * 1024;

/// What may still be read once the worker has ended: more than a pipe holds, so that only a
/// descendant which goes on writing is cut off.
const LAST_READS: usize = 256;

/// Drains the output of one worker, passes it on, and keeps its end.
#[derive(Debug)]
pub(crate) struct Pump {
    source: pipe::Receiver,
    sink: Sink,
    tail: Tail,
    /// What was read and is not yet passed on.
    pending: BytesMut,
}

/// Where it goes.
#[derive(Debug)]
pub(crate) enum Sink {
    /// To a stream of this process.
    Forward(Forward),
    /// To `tracing`.
    Lines(Lines),
}

impl Pump {
    /// # Panics
    /// Where tokio does: outside of a runtime, or in one without I/O.
    pub(crate) fn new(source: OwnedFd, sink: Sink) -> io::Result<Self> {
        let source = pipe::Receiver::from_owned_fd(source)?;
        Ok(Pump {
            source,
            sink,
            tail: Tail::default(),
            pending: BytesMut::new(),
        })
    }

    /// Passes on what comes, until the worker and all of its children have closed it; then waits for
    /// ever.
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

    /// Reads what the worker had written when it ended, without waiting, and gives the end of all. What can't be passed on
    /// at once [is left](Pump::has_more).
    pub(crate) fn drain(&mut self) -> Tail {
        self.read_last(Forward::write_now);
        std::mem::take(&mut self.tail)
    }

    /// Whether something was read and is not yet passed on.
    pub(crate) fn has_more(&self) -> bool {
        matches!(self.sink, Sink::Forward(_)) && !self.pending.is_empty()
    }

    /// Passes it on, as soon as it is taken.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn pass_on(&mut self) {
        if let Sink::Forward(forward) = &self.sink {
            forward.write(&mut self.pending).await;
        }
    }

    /// Reads and passes on what is there, without waiting but for who is to take it, and that until the deadline.
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

    /// Reads once: whether there was something; `None` if there is nothing for now.
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
