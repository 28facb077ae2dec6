//! The writer of a spool.

use std::fmt;
use std::io;
use std::os::fd::AsFd;

use crate::io::socket;
use crate::spool::ring::{PageSpool, short};

/// The worker's end of its event stream. Small messages gather in shared memory and go to the socket
/// together.
///
/// A pushed message reaches the parent even if this process is killed before it is flushed.
pub struct SpoolWriter<'a> {
    spool: &'a PageSpool,
    /// The length of the stream.
    head: u64,
    /// The bytes that the last word of the stream has already.
    begun: u64,
    /// How many bytes of the stream the socket has.
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

    /// How many bytes were pushed and not flushed.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        // Not more than the ring holds.
        (self.head - self.flushed) as usize
    }

    /// The length of the stream, including bytes that are not flushed.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.head
    }

    /// Whether all pushed bytes are flushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head == self.flushed
    }

    /// Appends a message that is in several pieces. False, and nothing is appended, if there is no room for all of it.
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

    /// As [`push`](SpoolWriter::push), for a message that begins with whole words, lowest byte first.
    #[inline]
    #[must_use]
    pub fn push_words<const N: usize>(&mut self, words: &[u64; N], rest: &[u8]) -> bool {
        let head = N * size_of::<u64>();
        let len = head + rest.len();
        if len > PageSpool::CAPACITY - self.len() {
            return false;
        }
        let begun = self.spool.write_words(self.head, self.begun, words);
        self.begun = self.spool.write(self.head + head as u64, begun, rest);
        self.head += len as u64;
        self.spool.publish(self.head);
        true
    }

    /// As [`push`](SpoolWriter::push), for a message of one byte and fewer than eight more. It is stored in one piece.
    #[inline]
    #[must_use]
    pub fn push_short(&mut self, head: u8, body: &[u8]) -> bool {
        body.len() < size_of::<u64>() && self.push_number(head, short(body), body.len())
    }

    /// As [`push`](SpoolWriter::push), for one byte and the low `width` bytes of a word whose other bytes are
    /// zero.
    #[inline]
    #[must_use]
    pub fn push_number(&mut self, head: u8, number: u64, width: usize) -> bool {
        const WORD: usize = size_of::<u64>();
        let len = 1 + width;
        if len > PageSpool::CAPACITY - self.len() {
            return false;
        }
        let first = number << 8 | u64::from(head);
        self.begun = self
            .spool
            .write_short(self.head, self.begun, first, len.min(WORD));
        if len > WORD {
            let last = number >> (u64::BITS - 8);
            let at = self.head + WORD as u64;
            self.begun = self.spool.write_short(at, self.begun, last, 1);
        }
        self.head += len as u64;
        self.spool.publish(self.head);
        true
    }

    /// Writes all pushed bytes to the socket, and blocks until the socket has taken them.
    ///
    /// # Errors
    /// As [`socket::send`]. The bytes that the socket took count as flushed.
    pub fn flush(&mut self, socket: impl AsFd) -> io::Result<()> {
        while !self.is_empty() {
            let pieces = self.spool.span(self.flushed, self.head);
            // SAFETY: the pieces lie within the ring, which lives as long as `'a`.
            let sent = unsafe { socket::send_memory(socket.as_fd(), pieces) }?;
            self.flushed += sent as u64;
            self.spool.set_flushed(self.flushed);
        }
        Ok(())
    }

    /// Notes that this many bytes of the stream were written to the socket directly. All pushed bytes
    /// must be flushed before.
    pub fn skip(&mut self, len: usize) {
        debug_assert!(self.is_empty(), "pushed bytes come first");
        self.flushed += len as u64;
        self.head = self.flushed;
        // The reader does not look for earlier bytes here any more.
        self.begun = 0;
        // In this order a reader never looks here for bytes that are in the socket.
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

#[cfg(test)]
mod tests {
    use crate::ControlPage;

    /// The longest numbers cross the end of a word at every position.
    #[test]
    fn numbers_of_any_width_come_back_at_any_position() {
        let (parent, descriptor) = ControlPage::create().unwrap();
        let worker = ControlPage::attach(descriptor).unwrap();
        let mut writer = worker.spool_writer().unwrap();
        let mut expected = Vec::new();
        let number = 0x8877_6655_4433_2211_u64;
        for round in 0..9_u8 {
            for width in 0..=8 {
                let low = number & u64::MAX.checked_shr(64 - 8 * width as u32).unwrap_or(0);
                assert!(writer.push_number(round, low, width));
                expected.push(round);
                expected.extend_from_slice(&number.to_le_bytes()[..width]);
            }
            assert!(writer.push_short(round, &[7]));
            expected.extend([round, 7]);
        }
        let mut read = Vec::new();
        assert!(parent.read_spool(0, &mut read));
        assert_eq!(read, expected);
        assert!(!writer.push_short(0, &[0; 8]), "eight bytes are too many");
        while writer.push_number(0, number, 8) {}
        assert_eq!(
            writer.len() / 9,
            crate::spool::PageSpool::CAPACITY / 9,
            "it is full"
        );
    }
}
