//! The header of a frame.

use thiserror::Error;

use crate::ScalarType;
use crate::kind::ITEM;

/// Bytes of a frame's header.
pub const HEADER_LEN: usize = 8;

/// The least header of one byte, and the most bytes of a body that it can announce.
const SHORT: u8 = 0xc0;
const MAX_SHORT_LEN: u8 = 0x3f;

/// The header of a scalar is this plus the number of its type.
const SCALAR: u8 = 0xb0;

/// Most bytes of a frame's body: 1 GiB.
///
/// A longer announcement is refused before a byte of it is awaited.
pub const MAX_BODY_LEN: usize = 1 << 30;

/// A frame with a longer body is large, and read to memory of its own: 24 KiB.
pub(crate) const LARGE: usize = 24 << 10;

/// Bytes that can't be a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The header announces a body beyond [`MAX_BODY_LEN`].
    #[error("a frame announces a body of {announced} bytes, the limit is {MAX_BODY_LEN}")]
    TooLong {
        /// The length that the header names.
        announced: u64,
    },
    /// The reserved bytes of a header aren't zero.
    #[error("the reserved bytes of a frame header are not zero")]
    Reserved,
    /// What leads the bulk is more than the body.
    #[error("a frame of {announced} bytes announces {lead} bytes before its bulk")]
    Lead {
        /// How long the body is.
        announced: u64,
        /// How much of it is said to come before the bulk.
        lead: u8,
    },
}

/// A header that was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    /// Bytes of the header itself.
    pub(crate) len: usize,
    pub(crate) kind: u8,
    pub(crate) lead: usize,
    pub(crate) body_len: usize,
}

/// The header of a frame with a body of `body_len` bytes.
///
/// # Errors
/// [`FrameError::TooLong`] if the body is longer than [`MAX_BODY_LEN`].
#[inline]
pub fn header(kind: u8, body_len: usize) -> Result<[u8; HEADER_LEN], FrameError> {
    header_word(kind, 0, body_len).map(u64::to_le_bytes)
}

/// The header as a word of which the lowest byte comes first. If the frame is large, `lead` bytes come before its bulk.
#[inline]
pub(crate) fn header_word(kind: u8, lead: usize, body_len: usize) -> Result<u64, FrameError> {
    if body_len > MAX_BODY_LEN {
        let announced = body_len as u64;
        return Err(FrameError::TooLong { announced });
    }
    let lead = match body_len > LARGE {
        // Neither the fields nor a prefix come near this.
        true => u8::try_from(lead).unwrap_or(0),
        false => 0,
    };
    Ok(u64::from(kind) | u64::from(lead) << 8 | (body_len as u64) << 32)
}

/// The one-byte header of a result of `body_len` bytes, if the result is short enough for it.
#[inline]
#[must_use]
pub fn short_header(body_len: usize) -> Option<[u8; 1]> {
    let len = u8::try_from(body_len).ok()?;
    (len <= MAX_SHORT_LEN).then_some([SHORT | len])
}

/// The header of the frame of a scalar.
#[inline]
#[must_use]
pub fn scalar_header(kind: ScalarType) -> u8 {
    SCALAR | kind.number()
}

/// The type of the scalar that has this header.
#[inline]
pub(crate) fn scalar_type(header: u8) -> Option<ScalarType> {
    (header & 0xf0 == SCALAR).then(|| ScalarType::numbered(header & !SCALAR))?
}

/// The kind of the frame and the length of its body, if the frame begins with a header of one byte. The header of a
/// scalar is its kind.
#[inline]
pub(crate) fn short(bytes: &[u8]) -> Option<(u8, usize)> {
    let &[first, ..] = bytes else { return None };
    match first & !MAX_SHORT_LEN == SHORT {
        true => Some((ITEM, usize::from(first & MAX_SHORT_LEN))),
        false => scalar_type(first).map(|kind| (first, kind.width())),
    }
}

/// The header at the front of `bytes`, or `None` while it is not there as a whole.
pub(crate) fn parse_header(bytes: &[u8]) -> Result<Option<Header>, FrameError> {
    if let Some((kind, body_len)) = short(bytes) {
        return Ok(Some(Header {
            len: 1,
            kind,
            lead: 0,
            body_len,
        }));
    }
    parse_full_header(bytes)
}

/// As [`parse_header`], of a frame that doesn't begin with a header of one byte.
#[inline]
pub(crate) fn parse_full_header(bytes: &[u8]) -> Result<Option<Header>, FrameError> {
    let Some([kind, lead, reserved @ .., l0, l1, l2, l3]) = bytes.first_chunk::<HEADER_LEN>()
    else {
        return Ok(None);
    };
    let body_len = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
    let announced = body_len as u64;
    if *reserved != [0; 2] {
        return Err(FrameError::Reserved);
    }
    if body_len > MAX_BODY_LEN {
        return Err(FrameError::TooLong { announced });
    }
    if usize::from(*lead) > body_len {
        let lead = *lead;
        return Err(FrameError::Lead { announced, lead });
    }
    Ok(Some(Header {
        len: HEADER_LEN,
        kind: *kind,
        lead: usize::from(*lead),
        body_len,
    }))
}
