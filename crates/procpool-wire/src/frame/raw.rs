//! One frame whose body is not decoded yet.

use bytes::{Buf, Bytes, BytesMut};

use super::header::{FrameError, HEADER_LEN, Header, parse_header};

/// A buffer is grown by at most this much, or by as much as has already arrived: 1 MiB.
///
/// So a peer that announces a gigabyte and sends ten bytes costs one mebibyte.
const MAX_RESERVE: usize = 1 << 20;

/// With this much room left, a read is worth its system call, so the buffer is not grown yet: 16 KiB.
const ENOUGH_ROOM: usize = 16 << 10;

/// One frame of the stream: the kind of its message, and the body, which is not decoded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the body holds; see [`Command`](crate::Command) and [`Event`](crate::Event).
    pub kind: u8,
    /// The body, or as much of it as comes before the bulk.
    pub body: Bytes,
    /// The rest of a large frame's body, which was read apart from what leads it.
    pub bulk: Option<Bytes>,
}

/// Takes the next frame from the front of `buffer`. If the frame has not arrived as a whole, returns `None`, and makes room
/// for more in `buffer`. The bulk of a large frame is not taken apart; [`FrameBuffer`](crate::FrameBuffer) does that.
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
        // Memory that was reserved before is used up first: reserving more for each piece that arrives would
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
