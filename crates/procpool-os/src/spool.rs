//! The end of a byte stream, kept in shared memory until the socket has it.
//!
//! A writer that made a system call for each of many small messages would do little else. So it
//! appends them here, and writes many of them to the socket at once. What it has not written yet is not
//! lost with it: the reader takes the rest of the stream from here, be it that the writer has died,
//! or that it is long in coming.
//!
//! # The protocol
//!
//! Each byte of the stream has a position, counted from its beginning, and its place in the ring is
//! that modulo the ring's length. Two words, which only the writer changes, tell where things are:
//!
//! ```text
//!        0 ……………………………… flushed ……………………………… head
//!        │   is in the socket   │    is in the ring   │   does not exist yet
//! ```
//!
//! - *The writer* stores bytes first and `head` after them. It writes to the socket, advances `flushed`, and
//!   only then reuses the place of what is flushed. What goes to the socket directly advances
//!   `flushed` and then `head`.
//! - *The reader*, who has the stream up to some position, looks whether that is `flushed` or beyond
//!   it, copies up to `head`, and looks again. If `flushed` is still not past the position, then
//!   nothing of what was copied had been reused: each store of a byte is a release that comes after
//!   the store of the `flushed` that allowed it, so a reader that got the new byte, with an acquire,
//!   sees that `flushed` at its second look, and gives the copy up. It finds those bytes in the
//!   socket then.
//!
//! The reader trusts nothing here: any two numbers have a meaning, and what is copied is no longer than
//! the ring, and as little to be believed as what comes from a socket.
//!
//! The unit tests run these lines under loom.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::word::Word;

/// The ring, of `WORDS` times 8 bytes. Zeroed memory is an empty one.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Spool<W, const WORDS: usize> {
    flushed: W,
    head: W,
    words: [W; WORDS],
}

/// The one on a control page: 64 KiB, a thousand small results.
pub(crate) type PageSpool = Spool<AtomicU64, { 8 * 1024 }>;

const WORD: usize = size_of::<u64>();

impl<W: Word, const WORDS: usize> Spool<W, WORDS> {
    /// How many bytes it holds at most: the last word of the stream must not be the place of the first.
    pub(crate) const CAPACITY: usize = Self::BYTES - WORD;

    const BYTES: usize = WORDS * WORD;

    /// The writer: puts bytes at a position where there is room. They are not there for the reader
    /// until they are [published](Spool::publish).
    ///
    /// `begun` is what the word at this position has before it, as it is returned for what comes after these bytes.
    #[inline]
    pub(crate) fn write(&self, position: u64, begun: u64, mut bytes: &[u8]) -> u64 {
        let shift = 8 * (position % WORD as u64) as u32;
        let mut at = position / WORD as u64;
        let mut before = begun;
        while let Some((whole, later)) = bytes.split_first_chunk() {
            let value = u64::from_le_bytes(*whole);
            self.put(at, before | value << shift);
            before = above(value, shift);
            at += 1;
            bytes = later;
        }
        let position = at * WORD as u64 + u64::from(shift / 8);
        self.write_short(position, before, short(bytes), bytes.len())
    }

    /// As [`write`](Spool::write), of whole words, of which the lowest byte comes first.
    #[inline]
    pub(crate) fn write_words(&self, position: u64, begun: u64, words: &[u64]) -> u64 {
        let shift = 8 * (position % WORD as u64) as u32;
        let at = position / WORD as u64;
        let mut before = begun;
        for (at, &value) in (at..).zip(words) {
            self.put(at, before | value << shift);
            before = above(value, shift);
        }
        before
    }

    /// As [`write`](Spool::write), of the low `len` bytes of a word, of which the others are zero.
    #[inline]
    pub(crate) fn write_short(&self, position: u64, begun: u64, value: u64, len: usize) -> u64 {
        let shift = 8 * (position % WORD as u64) as u32;
        let at = position / WORD as u64;
        let end = shift + 8 * len as u32;
        let before = begun | value << shift;
        if end > 0 {
            self.put(at, before);
        }
        if end < u64::BITS {
            return before;
        }
        let later = above(value, shift);
        if end > u64::BITS {
            self.put(at + 1, later);
        }
        later
    }

    #[inline]
    fn put(&self, place: u64, value: u64) {
        self.word(place).store(value.to_le(), Ordering::Release);
    }

    #[inline]
    fn word(&self, place: u64) -> &W {
        &self.words[place as usize % WORDS]
    }

    /// The writer: the stream reaches to this position.
    pub(crate) fn publish(&self, head: u64) {
        self.head.store(head, Ordering::Release);
    }

    /// The writer: the socket has the stream up to this position.
    pub(crate) fn set_flushed(&self, flushed: u64) {
        self.flushed.store(flushed, Ordering::Release);
    }

    /// The stream reaches to this position.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// The reader: appends what follows on this position, if that is here. False if nothing does, or if it
    /// is in the socket.
    pub(crate) fn read(&self, position: u64, out: &mut Vec<u8>) -> bool {
        let in_socket = || self.flushed.load(Ordering::Acquire) > position;
        if in_socket() {
            return false;
        }
        let len = self.head().wrapping_sub(position);
        if len == 0 || len > Self::CAPACITY as u64 {
            return false;
        }
        let before = out.len();
        let end = position.wrapping_add(len);
        // Bounded by the ring, as has just been seen.
        out.reserve(len as usize);
        let mut at = position;
        while at != end {
            let word = self.word(at / WORD as u64).load(Ordering::Acquire);
            let bytes = u64::from_le(word).to_le_bytes();
            let offset = at as usize % WORD;
            let left = end.wrapping_sub(at) as usize;
            let taken = (WORD - offset).min(left);
            match taken == WORD {
                // Nearly all of much.
                true => out.extend_from_slice(&bytes),
                false => out.extend_from_slice(&bytes[offset..offset + taken]),
            }
            at = at.wrapping_add(taken as u64);
        }
        if in_socket() {
            out.truncate(before);
            return false;
        }
        true
    }
}

impl<const WORDS: usize> Spool<AtomicU64, WORDS> {
    /// Where the bytes from one position up to another lie, which are less than the ring holds: in
    /// two pieces if they go over its end.
    pub(crate) fn span(&self, from: u64, to: u64) -> [(*const u8, usize); 2] {
        let len = to.wrapping_sub(from) as usize;
        let start = (from % Self::BYTES as u64) as usize;
        let first = len.min(Self::BYTES - start);
        let base = self.words.as_ptr().cast::<u8>();
        [(base.wrapping_add(start), first), (base, len - first)]
    }
}

/// What of a value that is shifted up goes over the end of its word.
#[inline]
fn above(value: u64, shift: u32) -> u64 {
    (value >> 1) >> (u64::BITS - 1 - shift)
}

/// Less than a word of bytes, as the low ones of one.
#[inline]
pub(crate) fn short(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        // They overlap where they are the same.
        return u64::from(u32::from_le_bytes(*low))
            | u64::from(u32::from_le_bytes(*high)) << (8 * (len - 4));
    }
    if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return u64::from(u16::from_le_bytes(*low))
            | u64::from(u16::from_le_bytes(*high)) << (8 * (len - 2));
    }
    bytes.first().copied().map_or(0, u64::from)
}

#[cfg(test)]
mod tests {
    use loom::sync::atomic::AtomicU64 as Modelled;
    use loom::sync::{Arc, Mutex};
    use loom::thread;

    use super::*;

    fn plain<const WORDS: usize>() -> Spool<AtomicU64, WORDS> {
        Spool {
            flushed: AtomicU64::new(0),
            head: AtomicU64::new(0),
            words: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    #[test]
    fn bytes_of_any_length_come_back_at_any_position() {
        for start in 0..40_u64 {
            for len in 1..=24_usize {
                let spool = plain::<4>();
                let bytes: Vec<u8> = (1..).take(len).collect();
                spool.set_flushed(start);
                let begun = spool.write(start, 0, &bytes[..len / 2]);
                spool.write(start + len as u64 / 2, begun, &bytes[len / 2..]);
                spool.publish(start + len as u64);
                let mut out = vec![0xff];
                assert!(spool.read(start, &mut out));
                assert_eq!(out[1..], bytes, "{start} {len}");
            }
        }
    }

    #[test]
    fn words_come_back_as_their_bytes() {
        let words = [0x0807_0605_0403_0201, 0x1817_1615_1413_1211];
        for start in 0..40_u64 {
            for words in [&words[..0], &words[..1], &words] {
                let spool = plain::<6>();
                spool.set_flushed(start);
                let begun = spool.write(start, 0, b"before");
                let begun = spool.write_words(start + 6, begun, words);
                let bytes: Vec<_> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                let end = start + 6 + bytes.len() as u64;
                spool.write(end, begun, b"and after");
                spool.publish(end + 9);
                let mut out = Vec::new();
                assert!(spool.read(start, &mut out));
                assert_eq!(
                    out,
                    [b"before", &bytes[..], b"and after"].concat(),
                    "{start}"
                );
            }
        }
    }

    #[test]
    fn short_pieces_come_back_as_one() {
        for start in 0..20_u64 {
            for len in 0..=8_usize {
                let spool = plain::<4>();
                let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
                let value = u64::from_le_bytes(bytes)
                    & u64::MAX.checked_shr(64 - 8 * len as u32).unwrap_or(0);
                spool.set_flushed(start);
                let begun = spool.write_short(start, 0, value, len);
                spool.write(start + len as u64, begun, b"and so on");
                spool.publish(start + len as u64 + 9);
                let mut out = Vec::new();
                assert!(spool.read(start, &mut out));
                assert_eq!(out, [&bytes[..len], b"and so on"].concat(), "{start} {len}");
            }
        }
    }

    #[test]
    fn nothing_on_the_page_makes_a_reader_panic_or_take_more_than_the_ring() {
        let numbers = [0, 1, 7, 8, 9, 1 << 40, u64::MAX - 1, u64::MAX];
        for (flushed, head, position) in numbers
            .iter()
            .flat_map(|a| numbers.map(|b| (*a, b)))
            .flat_map(|(a, b)| numbers.map(|c| (a, b, c)))
        {
            let spool = plain::<3>();
            spool.set_flushed(flushed);
            spool.publish(head);
            let mut out = Vec::new();
            let read = spool.read(position, &mut out);
            assert!(out.len() <= 24 && read != out.is_empty());
        }
    }

    /// A ring that holds one word, so that each message reuses the place of the last but one.
    #[test]
    fn a_reader_gets_what_is_at_its_position_or_finds_it_in_the_socket() {
        loom::model(|| {
            let spool = Arc::new(Spool::<Modelled, 2> {
                flushed: Modelled::new(0),
                head: Modelled::new(0),
                words: [Modelled::new(0), Modelled::new(0)],
            });
            let socket = Arc::new(Mutex::new(0_u64));
            let writer = thread::spawn({
                let (spool, socket) = (Arc::clone(&spool), Arc::clone(&socket));
                move || {
                    for message in 0..3_u8 {
                        let start = u64::from(message) * 8;
                        // The place of the first is used again by the third.
                        spool.write(start, 0, &[message; 8]);
                        spool.publish(start + 8);
                        if message < 2 {
                            *socket.lock().unwrap() = start + 8;
                            spool.set_flushed(start + 8);
                        }
                    }
                }
            });
            for (position, expected) in [(0, 0), (8, 1)] {
                let mut out = Vec::new();
                if spool.read(position, &mut out) {
                    assert_eq!(out, [expected; 8]);
                }
            }
            writer.join().unwrap();
            // Whatever was flushed is in the socket, and the rest is here.
            let flushed = *socket.lock().unwrap();
            let mut out = Vec::new();
            assert!(spool.read(flushed, &mut out));
            assert_eq!((flushed, &out[..]), (16, &[2; 8][..]));
        });
    }
}
