//! What is still to be written to one worker.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use procpool_wire::Command;
use tokio::net::UnixStream;

/// Payloads up to this many bytes are copied next to the headers around them, so that one write
/// carries many of them; larger ones are written from where they are: 8 KiB.
const COPIED: usize = 8 * 1024;

/// A buffer that grew past this is given back once it is written: 64 KiB.
const KEPT_CAPACITY: usize = 64 * 1024;

/// Parts of one write; a system takes at least 16 (`IOV_MAX`, POSIX), and more don't help here.
const PARTS: usize = 16;

/// Frames that wait for the socket, in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// What goes before `small`.
    parts: VecDeque<Bytes>,
    small: Vec<u8>,
    small_written: usize,
    /// The socket takes nothing now; whoever waits for it to be writable goes on.
    blocked: bool,
    /// The worker's end is closed; nothing will be written any more.
    broken: bool,
}

impl Outbox {
    pub(crate) fn push(&mut self, head: &[u8], payload: Bytes) {
        if self.broken {
            return;
        }
        self.small.extend_from_slice(head);
        if payload.len() <= COPIED {
            self.small.extend_from_slice(&payload);
        } else {
            let mut before = Bytes::from(std::mem::take(&mut self.small));
            before.advance(std::mem::take(&mut self.small_written));
            self.parts.extend([before, payload]);
        }
    }

    pub(crate) fn push_stop(&mut self) {
        if !self.broken {
            Command::encode_stop(&mut self.small);
        }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Writes what the socket takes. Tells whether someone must now wait for it to take more.
    pub(crate) fn flush(&mut self, socket: &UnixStream) -> bool {
        match self.blocked {
            true => false,
            false => self.write(socket),
        }
    }

    /// The socket is writable again.
    pub(crate) fn resume(&mut self, socket: &UnixStream) {
        self.blocked = false;
        self.write(socket);
    }

    fn write(&mut self, socket: &UnixStream) -> bool {
        while !self.is_empty() {
            match self.write_once(socket) {
                Ok(written) => self.advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return true;
                }
                // The worker is gone or going; its end will be seen where it is waited for.
                Err(_) => {
                    *self = Outbox {
                        broken: true,
                        ..Outbox::default()
                    }
                }
            }
        }
        false
    }

    fn write_once(&self, socket: &UnixStream) -> io::Result<usize> {
        let small = &self.small[self.small_written..];
        if self.parts.is_empty() {
            return socket.try_write(small);
        }
        let parts: Vec<_> = self
            .parts
            .iter()
            .take(PARTS)
            .map(|part| IoSlice::new(part))
            .collect();
        socket.try_write_vectored(&parts)
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(part) = self.parts.front_mut() {
            let of_part = written.min(part.len());
            part.advance(of_part);
            written -= of_part;
            if part.has_remaining() {
                return;
            }
            self.parts.pop_front();
        }
        self.small_written += written;
        if self.small_written == self.small.len() {
            self.small.clear();
            self.small.shrink_to(KEPT_CAPACITY);
            self.small_written = 0;
        }
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.small.is_empty()
    }
}
