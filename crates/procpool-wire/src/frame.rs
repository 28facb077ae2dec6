//! How messages lie in the byte stream: a fixed header, then the body.
//!
//! ```text
//!  0       4      5         8                8 + length
//!  | length | kind | zeroes | body …          |
//! ```
//!
//! All integers are little endian. `length` counts the body alone. The three reserved bytes must be
//! zero, so that a peer that has lost its place in the stream is noticed early.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

/// Bytes of a frame's header.
pub const HEADER_LEN: usize = 8;

/// Most bytes of a frame's body: 1 GiB.
///
/// A longer announcement is refused before a byte of it is awaited.
pub const MAX_BODY_LEN: usize = 1 << 30;

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
    /// The body.
    pub body: Bytes,
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
}

/// The header of a frame with a body of `body_len` bytes.
///
/// # Errors
/// [`FrameError::TooLong`] if the body is longer than [`MAX_BODY_LEN`].
pub fn header(kind: u8, body_len: usize) -> Result<[u8; HEADER_LEN], FrameError> {
    let too_long = FrameError::TooLong {
        announced: body_len as u64,
    };
    if body_len > MAX_BODY_LEN {
        return Err(too_long);
    }
    let length = u32::try_from(body_len).map_err(|_| too_long)?.to_le_bytes();
    Ok([length[0], length[1], length[2], length[3], kind, 0, 0, 0])
}

/// Takes the next whole frame from the front of `buffer`, or `None` while it is not there yet; then
/// `buffer` has room for more.
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
    let Some(head) = buffer.first_chunk::<HEADER_LEN>() else {
        buffer.reserve(HEADER_LEN);
        return Ok(None);
    };
    let [l0, l1, l2, l3, kind, reserved @ ..] = *head;
    let body_len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if body_len > MAX_BODY_LEN {
        return Err(FrameError::TooLong {
            announced: body_len as u64,
        });
    }
    if reserved != [0; 3] {
        return Err(FrameError::Reserved);
    }
    let whole = HEADER_LEN + body_len;
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
    frame.advance(HEADER_LEN);
    Ok(Some(Frame {
        kind,
        body: frame.freeze(),
    }))
}
