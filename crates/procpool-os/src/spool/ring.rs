//! The ring of a spool, over any atomic word.

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
    /// How many bytes it holds: the last word of the stream must not have the place of the first one.
    pub(crate) const CAPACITY: usize = Self::BYTES - WORD;

    const BYTES: usize = WORDS * WORD;

    /// The writer: stores bytes at a position where there is room. The reader does not see them
    /// until they are [published](Spool::publish).
    ///
    /// `begun` has the bytes of the word at this position that come before it. Returns the same for the position
    /// after these bytes.
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

    /// As [`write`](Spool::write), for whole words, lowest byte first.
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

    /// As [`write`](Spool::write), for the low `len` bytes of a word whose other bytes are zero.
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

    /// The writer: the stream ends at this position.
    pub(crate) fn publish(&self, head: u64) {
        self.head.store(head, Ordering::Release);
    }

    /// The writer: the socket has the stream up to this position.
    pub(crate) fn set_flushed(&self, flushed: u64) {
        self.flushed.store(flushed, Ordering::Release);
    }

    /// The position at which the stream ends.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// The reader: appends the bytes that follow this position, if they are here. False if there are none, or if they
    /// are in the socket.
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
        // Not more than the ring holds, as checked above.
        out.reserve(len as usize);
        let mut at = position;
        while at != end {
            let word = self.word(at / WORD as u64).load(Ordering::Acquire);
            let bytes = u64::from_le(word).to_le_bytes();
            let offset = at as usize % WORD;
            let left = end.wrapping_sub(at) as usize;
            let taken = (WORD - offset).min(left);
            match taken == WORD {
                // The usual case.
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
    /// The memory of the bytes from one position up to another, which are fewer than the ring holds: two
    /// pieces, of which the second is not empty if the bytes cross the end of the ring.
    pub(crate) fn span(&self, from: u64, to: u64) -> [(*const u8, usize); 2] {
        let len = to.wrapping_sub(from) as usize;
        let start = (from % Self::BYTES as u64) as usize;
        let first = len.min(Self::BYTES - start);
        let base = self.words.as_ptr().cast::<u8>();
        [(base.wrapping_add(start), first), (base, len - first)]
    }
}

/// The part of a value that goes beyond the end of its word when it is shifted up.
#[inline]
fn above(value: u64, shift: u32) -> u64 {
    (value >> 1) >> (u64::BITS - 1 - shift)
}

/// Fewer bytes than a word has, as the low bytes of a word.
#[inline]
pub(crate) fn short(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        // The two overlap in equal bytes.
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
    fn no_content_of_the_page_makes_a_reader_panic_or_copy_more_than_the_ring() {
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

    /// The ring holds one word, so each message reuses the place of the message before the last one.
    #[test]
    fn a_reader_gets_the_bytes_at_its_position_or_finds_them_in_the_socket() {
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
                        // The third message reuses the place of the first.
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
            // The flushed bytes are in the socket, and the others are here.
            let flushed = *socket.lock().unwrap();
            let mut out = Vec::new();
            assert!(spool.read(flushed, &mut out));
            assert_eq!((flushed, &out[..]), (16, &[2; 8][..]));
        });
    }
}
