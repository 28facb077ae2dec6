//! What comes before the content of a value that is bytes.

use std::ops::Deref;

use super::encode::wide;
use super::kind::Kind;
use super::tag;

/// The bytes of an encoding before its content: a tag and a length, or nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Prefix {
    bytes: [u8; Self::MAX_LEN],
    len: u8,
}

impl Prefix {
    /// The most that it can have: a tag and a length of eight bytes with a tag of its own.
    const MAX_LEN: usize = 10;

    /// Of a sequence of as many `u8`.
    pub(crate) fn of_sequence(len: usize) -> Self {
        Prefix::new(tag::column(Kind::U8), len)
    }

    /// Of a byte string of as many bytes.
    pub(crate) fn of_byte_string(len: usize) -> Self {
        Prefix::new(tag::BYTES, len)
    }

    fn new(tag: u8, content_len: usize) -> Self {
        let mut bytes = [0; Self::MAX_LEN];
        bytes[0] = tag;
        let content_len = content_len as u64;
        let len = match wide(content_len) {
            None => {
                bytes[1] = content_len as u8;
                2
            }
            Some((tag, width)) => {
                bytes[1] = tag;
                bytes[2..2 + width].copy_from_slice(&content_len.to_le_bytes()[..width]);
                2 + width as u8
            }
        };
        Prefix { bytes, len }
    }
}

impl Deref for Prefix {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}
