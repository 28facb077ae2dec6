//! The writing end of a spool.

use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::slice;

use crate::socket;
use crate::spool::{PageSpool, short};

/// The worker's end of its event stream: small messages gather in shared memory and go to the socket
/// together.
///
/// What was pushed reaches the parent even if this process is killed before it is flushed.
pub struct SpoolWriter<'a> {
    spool: &'a PageSpool,
    /// How long the stream is.
    head: u64,
    /// What the word has already in which it ends.
    begun: u64,
    /// How much of it the socket has.
    flushed: u64,
}

impl<'a> SpoolWriter<'a> {
    pub(crate) fn new(spool: &'a PageSpool) -> Self {
        SpoolWriter {
            spool,
            head: 0,
            begun: 0,
            flushed: 0,
        }
    }

    /// How many bytes are pushed and not flushed.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        // Never more than the ring holds.
        (self.head - self.flushed) as usize
    }

    /// How long the stream is, with what is not flushed.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.head
    }

    /// Whether all is flushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head == self.flushed
    }

    /// Appends a message that is in several pieces, all of it or, if there is no room for all, nothing.
    #[inline]
    #[must_use]
    pub fn push(&mut self, pieces: &[&[u8]]) -> bool {
        let len: usize = pieces.iter().map(|piece| piece.len()).sum();
        if len > PageSpool::CAPACITY - self.len() {
            return false;
        }
        for piece in pieces {
            self.begun = self.spool.write(self.head, self.begun, piece);
            self.head += piece.len() as u64;
        }
        self.spool.publish(self.head);
        true
    }

    /// As [`push`](SpoolWriter::push), for a message of a byte and less than eight more: it is put in one piece.
    #[inline]
    #[must_use]
    pub fn push_short(&mut self, head: u8, body: &[u8]) -> bool {
        let len = 1 + body.len();
        if len > size_of::<u64>() || len > PageSpool::CAPACITY - self.len() {
            return false;
        }
        let value = short(body) << 8 | u64::from(head);
        self.begun = self.spool.write_short(self.head, self.begun, value, len);
        self.head += len as u64;
        self.spool.publish(self.head);
        true
    }

    /// Writes all that was pushed to the socket, which blocks until the socket has taken it.
    ///
    /// # Errors
    /// As [`socket::send`]. What the socket took counts as flushed.
    pub fn flush(&mut self, socket: impl AsFd) -> io::Result<()> {
        while !self.is_empty() {
            let pieces = self
                .spool
                .span(self.flushed, self.head)
                .map(|(start, len)| {
                    // SAFETY: the piece lies within the ring, whose atomic words may be read as bytes, and which
                    // lives as long as `'a`. Of all that is in this process only this value, of which there is
                    // one, writes to it, and it is borrowed here for as long as the slice lives.
                    IoSlice::new(unsafe { slice::from_raw_parts(start, len) })
                });
            let sent = socket::send_vectored(&socket, &pieces)?;
            self.flushed += sent as u64;
            self.spool.set_flushed(self.flushed);
        }
        Ok(())
    }

    /// Notes that the socket was given that many bytes of the stream directly. All that was pushed
    /// before must be flushed.
    pub fn skip(&mut self, len: usize) {
        debug_assert!(self.is_empty(), "what was pushed comes first");
        self.flushed += len as u64;
        self.head = self.flushed;
        // Nobody looks for that here any more.
        self.begun = 0;
        // In this order a reader never looks here for what is in the socket.
        self.spool.set_flushed(self.flushed);
        self.spool.publish(self.head);
    }
}

impl fmt::Debug for SpoolWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpoolWriter")
            .field("head", &self.head)
            .field("flushed", &self.flushed)
            .finish_non_exhaustive()
    }
}
