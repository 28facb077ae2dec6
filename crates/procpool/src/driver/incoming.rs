//! Reading what one worker sends.

use std::io;

use bytes::BytesMut;
use procpool_os::ControlPage;
use procpool_wire::Event;
use tokio::net::UnixStream;

/// Bytes that one read may bring: 64 KiB.
const READ_LEN: usize = 64 * 1024;

/// Bytes from one worker that have not yet become events.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    buffer: BytesMut,
    /// How much of the worker's stream is here, or was.
    position: u64,
    /// How much of that came from the spool, and is still to come from the socket.
    ahead: usize,
}

/// What there is to read at this moment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Something; there may be more.
    Bytes,
    /// Nothing for now.
    Nothing,
    /// The other end is closed.
    End,
}

impl Incoming {
    /// Reads once, without waiting.
    pub(crate) fn receive(&mut self, socket: &UnixStream) -> io::Result<Received> {
        let kept = READ_LEN / 4..=READ_LEN;
        if self.buffer.is_empty() && !kept.contains(&self.buffer.capacity()) {
            // Results that were handed out keep their part of the old buffer alive, and what is left
            // of one that was made for a large result keeps all of that.
            self.buffer = BytesMut::with_capacity(READ_LEN);
        }
        self.buffer.reserve(READ_LEN / 4);
        loop {
            let received = match self.ahead {
                0 => socket.try_read_buf(&mut self.buffer),
                ahead => {
                    let mut known = [0; 4096];
                    let len = ahead.min(known.len());
                    socket.try_read(&mut known[..len])
                }
            };
            return match received {
                Ok(0) => Ok(Received::End),
                Ok(len) if self.ahead > 0 => {
                    self.ahead -= len;
                    continue;
                }
                Ok(len) => {
                    self.position += len as u64;
                    Ok(Received::Bytes)
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::WouldBlock => Ok(Received::Nothing),
                    io::ErrorKind::ConnectionReset => Ok(Received::End),
                    _ => Err(error),
                },
            };
        }
    }

    /// Takes what the worker has said and not yet written to its socket. False if there is nothing.
    ///
    /// Once the worker has ended, and its socket is read to the end, that is the rest.
    pub(crate) fn collect(&mut self, page: &ControlPage) -> bool {
        let mut rest = Vec::new();
        let collected = page.read_spool(self.position, &mut rest);
        self.position += rest.len() as u64;
        self.ahead += rest.len();
        self.buffer.extend_from_slice(&rest);
        collected
    }

    /// How much of the worker's stream is here, or was.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Forgets what is there: after broken bytes nothing makes sense.
    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
    }

    /// The next event that is there as a whole.
    ///
    /// # Errors
    /// In one line, how the worker broke the protocol.
    pub(crate) fn next_event(&mut self) -> Result<Option<Event>, String> {
        Event::take(&mut self.buffer).map_err(|error| error.to_string())
    }
}
