//! The beginning of a message, as words.

use crate::EncodedValue;
use crate::frame::{self, FrameError};

/// Stands for the header in the words of a head that is made.
pub(crate) const HEADER: u64 = 0;

/// The header and the fields of a message: all that comes before its value.
///
/// It consists of words of which the lowest byte comes first. A head that is written word by word can be copied
/// as words at once: a processor can't forward narrower stores to a wider load, which then waits for the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Head<WORDS> {
    /// The head of a message with this value. The first of the words is the [`HEADER`].
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the message is beyond what a frame may hold.
    #[inline]
    pub(crate) fn new(
        kind: u8,
        mut words: [u64; WORDS],
        value: impl EncodedValue,
    ) -> Result<Self, FrameError> {
        let lead = Self::FIELDS_LEN + value.prefix().len();
        words[0] = frame::header_word(kind, lead, lead + value.bytes().len())?;
        Ok(Head(words))
    }

    /// The head of a message that has no value, and so is the whole message.
    #[inline]
    pub(crate) fn alone(kind: u8, mut words: [u64; WORDS]) -> Self {
        words[0] = u64::from(kind) | (Self::FIELDS_LEN as u64) << 32;
        Head(words)
    }

    const FIELDS_LEN: usize = (WORDS - 1) * size_of::<u64>();

    /// The words, of which the lowest byte comes first.
    #[must_use]
    #[inline]
    pub fn words(self) -> [u64; WORDS] {
        self.0
    }

    /// The bytes of each word.
    #[must_use]
    #[inline]
    pub fn bytes(self) -> [[u8; 8]; WORDS] {
        self.0.map(u64::to_le_bytes)
    }

    /// Appends the head.
    #[inline]
    pub fn put(self, out: &mut Vec<u8>) {
        out.reserve(size_of::<Self>());
        for word in self.0 {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }

    /// Appends the head and the value that it was made for.
    pub fn put_with(self, value: impl EncodedValue, out: &mut Vec<u8>) {
        self.put(out);
        out.extend_from_slice(&value.prefix());
        out.extend_from_slice(value.bytes());
    }
}
