//! How messages lie in the byte stream: a fixed header, then the body.
//!
//! ```text
//!  0      1      2        4        8         8 + lead     8 + length
//!  | kind | lead | zeroes | length | fields … | payload …  |
//! ```
//!
//! All integers are little endian. `length` counts the body alone, that is what follows the header.
//! `lead` is zero, or says how many bytes of the body come before its bulk: whoever reads a large frame
//! reads these apart, and the rest to where it is to stay. The two reserved bytes must be zero, so that
//! a peer that has lost its place in the stream is noticed early.
//!
//! There may be millions of results of a few bytes each, for which such a header would be most of what is
//! copied. So the frame of one up to 63 bytes has a header of one byte, from 0xc0 on, where no other kind is:
//! `0xc0 + length`. That of a [bare number](crate::Plain) says by its one byte which type it is of, and so how long
//! it is: `0xb0 + number`. No text begins like that, so that they are still known for what they are.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use crate::Plain;
use crate::kind::ITEM;

/// Bytes of a frame's header.
pub const HEADER_LEN: usize = 8;

/// What a header of one byte is at least, and how long the body is that it announces at most.
const SHORT: u8 = 0xc0;
const MAX_SHORT_LEN: u8 = 0x3f;

/// What the one byte before a bare number is more than the number of its kind.
const PLAIN: u8 = 0xb0;

/// Most bytes of a frame's body: 1 GiB.
///
/// A longer announcement is refused before a byte of it is awaited.
pub const MAX_BODY_LEN: usize = 1 << 30;

/// A frame with a longer body is large, and read to memory of its own: 24 KiB.
pub(crate) const LARGE: usize = 24 << 10;

/// A buffer is grown by at most this much, or by as much as has already arrived: 1 MiB.
///
/// So a peer that announces a gigabyte and sends ten bytes costs one mebibyte.
const MAX_RESERVE: usize = 1 << 20;

/// With this much room left a read is worth its call, and the buffer is not grown yet: 16 KiB.
const ENOUGH_ROOM: usize = 16 << 10;

/// One message as it stands in the stream: what kind it is, and its body, not yet looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the body holds; see [`Command`](crate::Command) and [`Event`](crate::Event).
    pub kind: u8,
    /// The body, or as much of it as comes before the bulk.
    pub body: Bytes,
    /// The rest of a large frame's body, which was read apart from what leads it.
    pub bulk: Option<Bytes>,
}

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

/// What a header says of its frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    /// How long it is itself.
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

/// The header of the frame of a result of `body_len` bytes, if that is short enough for one of one byte.
#[inline]
#[must_use]
pub fn short_header(body_len: usize) -> Option<[u8; 1]> {
    let len = u8::try_from(body_len).ok()?;
    (len <= MAX_SHORT_LEN).then_some([SHORT | len])
}

/// The header of the frame of a bare number.
#[inline]
#[must_use]
pub fn plain_header(kind: Plain) -> u8 {
    PLAIN | kind.number()
}

/// The kind of number that has this header.
#[inline]
pub(crate) fn plain(header: u8) -> Option<Plain> {
    (header & 0xf0 == PLAIN).then(|| Plain::numbered(header & !PLAIN))?
}

/// The kind of the frame and how long its body is, if it begins with a header of one byte. That of a bare number is
/// its own kind.
#[inline]
pub(crate) fn short(bytes: &[u8]) -> Option<(u8, usize)> {
    let &[first, ..] = bytes else { return None };
    match first & !MAX_SHORT_LEN == SHORT {
        true => Some((ITEM, usize::from(first & MAX_SHORT_LEN))),
        false => plain(first).map(|kind| (first, kind.width())),
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

/// Takes the next whole frame from the front of `buffer`, or `None` while it is not there yet; then
/// `buffer` has room for more. Its bulk is not apart: that is what [`FrameBuffer`](crate::FrameBuffer) is
/// for.
///
/// # Errors
/// [`FrameError`] when the bytes can't be a frame; the stream is of no further use then.
///
/// ```
/// use bytes::BytesMut;
/// let mut stream = BytesMut::new();
/// stream.extend_from_slice(&procpool_wire::frame::header(7, 2)?);
/// stream.extend_from_slice(b"h");
/// assert_eq!(procpool_wire::frame::take(&mut stream)?, None);
/// stream.extend_from_slice(b"i");
/// let frame = procpool_wire::frame::take(&mut stream)?.expect("whole");
/// assert_eq!((frame.kind, &frame.body[..]), (7, &b"hi"[..]));
/// # Ok::<(), procpool_wire::FrameError>(())
/// ```
pub fn take(buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
    let header = parse_header(buffer)?;
    let Some(Header {
        len,
        kind,
        body_len,
        ..
    }) = header
    else {
        buffer.reserve(HEADER_LEN);
        return Ok(None);
    };
    let whole = len + body_len;
    if buffer.len() < whole {
        let missing = whole - buffer.len();
        // What was reserved before is used up first: topping it up for each piece that arrives would
        // double the buffer again and again.
        if buffer.capacity() - buffer.len() < missing.min(ENOUGH_ROOM) {
            buffer.reserve(missing.min(buffer.len().max(MAX_RESERVE)));
        }
        return Ok(None);
    }
    let mut frame = buffer.split_to(whole);
    frame.advance(len);
    Ok(Some(Frame {
        kind,
        body: frame.freeze(),
        bulk: None,
    }))
}
