//! What comes before the content of a value that is bytes.

use std::ops::Deref;

use bytes::BufMut;

use super::encoder::put_uint;
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
        Prefix::new(tag::U8_SEQ, len)
    }

    /// Of a byte string of as many bytes.
    pub(crate) fn of_byte_string(len: usize) -> Self {
        Prefix::new(tag::BYTES, len)
    }

    fn new(tag: u8, content_len: usize) -> Self {
        let mut bytes = [0; Self::MAX_LEN];
        let mut rest = &mut bytes[..];
        rest.put_u8(tag);
        put_uint(&mut rest, content_len as u64);
        let len = (Self::MAX_LEN - rest.len()) as u8;
        Prefix { bytes, len }
    }
}

impl Deref for Prefix {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}
