//! The results of items.

use bytes::Bytes;

use super::ItemResult;
use crate::frame::{self, FrameError, HEADER_LEN};
use crate::kind::ITEM;
use crate::{FrameBuffer, ScalarType};

/// Results of items that follow each other in the stream, in one piece.
#[derive(Debug, Clone, Default)]
pub struct ItemFrames {
    /// Whole frames, or a single result without its frame.
    frames: Bytes,
    /// The position of the next result.
    next: usize,
    count: u32,
    is_bare: bool,
}

impl ItemFrames {
    /// The number of results.
    #[must_use]
    #[inline]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The number of bytes that they take.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.frames.len() - self.next
    }

    /// Whether none is left.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The header of the frame of a result that is too long for a [short one](frame::short_header).
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if it is beyond what a frame may hold.
    #[inline]
    pub fn header(len: usize) -> Result<[u8; HEADER_LEN], FrameError> {
        frame::header(ITEM, len)
    }

    /// Appends a result as a frame.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if it is beyond what a frame may hold.
    pub fn put(result: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
        match frame::short_header(result.len()) {
            Some(header) => out.extend_from_slice(&header),
            None => out.extend_from_slice(&ItemFrames::header(result.len())?),
        }
        out.extend_from_slice(result);
        Ok(())
    }

    /// Appends a scalar as a frame.
    pub fn put_scalar(kind: ScalarType, bits: u64, out: &mut Vec<u8>) {
        out.push(frame::scalar_header(kind));
        kind.write(bits, out);
    }

    /// Takes the results at the front of `buffer` that have arrived as a whole, if there are any.
    #[inline]
    pub(crate) fn take(buffer: &mut FrameBuffer) -> Option<Self> {
        buffer.take_small(|small| {
            let (end, count) = whole_frames(small);
            (count > 0).then(|| ItemFrames {
                frames: small.split_to(end).freeze(),
                count,
                ..ItemFrames::default()
            })
        })
    }

    /// A result that came in a frame of its own, without the frame.
    pub(crate) fn of_one(result: Bytes) -> Self {
        ItemFrames {
            frames: result,
            count: 1,
            is_bare: true,
            ..ItemFrames::default()
        }
    }

    /// The same of a scalar.
    pub(crate) fn of_scalar(kind: ScalarType, result: &[u8]) -> Self {
        let frame = [&[frame::scalar_header(kind)], result].concat();
        ItemFrames {
            frames: frame.into(),
            count: 1,
            ..ItemFrames::default()
        }
    }

    /// Takes the next result.
    #[inline]
    pub fn next_result(&mut self) -> Option<ItemResult<'_>> {
        if self.count == 0 {
            return None;
        }
        let rest = &self.frames[self.next..];
        let (head_len, body_len) = match self.is_bare {
            true => (0, rest.len()),
            false => first_frame(rest)?,
        };
        let body = rest.get(head_len..)?.get(..body_len)?;
        self.next += head_len + body_len;
        self.count -= 1;
        Some(match frame::scalar_type(*rest.first().unwrap_or(&0)) {
            Some(kind) if !self.is_bare => ItemResult::Scalar(kind, body),
            _ => ItemResult::Encoded(body),
        })
    }

    /// Takes the next result if it is a scalar of this type. This is several times faster than to decode it.
    #[inline]
    pub fn next_scalar<T: 'static>(&mut self) -> Option<T> {
        let kind = ScalarType::of::<T>()?;
        if self.is_bare {
            return None;
        }
        let (&head, rest) = self.frames.get(self.next..)?.split_first()?;
        if head != frame::scalar_header(kind) {
            return None;
        }
        let value = kind.value(kind.read(rest)?)?;
        self.next += 1 + kind.width();
        self.count -= 1;
        Some(value)
    }

    /// Skips the next `count` results.
    pub fn skip(&mut self, count: u32) {
        for _ in 0..count {
            if self.next_result().is_none() {
                return;
            }
        }
    }
}

/// The length and the number of the whole frames of results at the front.
fn whole_frames(bytes: &[u8]) -> (usize, u32) {
    let (mut end, mut count) = (0, 0);
    while let Some((head_len, body_len)) = first_frame(&bytes[end..])
        && bytes.len() - end >= head_len + body_len
        && count < u32::MAX
    {
        let (head, len) = (bytes[end], head_len + body_len);
        end += len;
        count += 1;
        // Mostly the next frame has the same length. Then its end is known without waiting for its header to be loaded.
        while head_len == 1
            && bytes.get(end) == Some(&head)
            && bytes.len() - end >= len
            && count < u32::MAX
        {
            end += len;
            count += 1;
        }
    }
    (end, count)
}

/// The lengths of the header and the body of the first frame, if it is the frame of a result.
#[inline]
fn first_frame(bytes: &[u8]) -> Option<(usize, usize)> {
    match frame::short(bytes) {
        Some((_, body_len)) => Some((1, body_len)),
        None => Some((HEADER_LEN, body_len(bytes)?)),
    }
}

fn body_len(bytes: &[u8]) -> Option<usize> {
    let [ITEM, 0, 0, 0, l0, l1, l2, l3] = *bytes.first_chunk::<HEADER_LEN>()? else {
        return None;
    };
    let body_len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    (body_len <= frame::MAX_BODY_LEN).then_some(body_len)
}
