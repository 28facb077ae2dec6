//! What came of items.

use bytes::{Bytes, BytesMut};

use crate::frame::{self, FrameError, HEADER_LEN};

pub(crate) const ITEM: u8 = 134;

/// Results of items that follow each other in the stream, in one piece.
#[derive(Debug, Clone, Default)]
pub struct ItemFrames {
    /// Whole frames; or a single result, without its frame.
    frames: Bytes,
    /// Where the next one begins.
    next: usize,
    count: u32,
    is_bare: bool,
}

impl ItemFrames {
    /// How many results these are.
    #[must_use]
    #[inline]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many bytes they take.
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

    /// The results that are whole at the front of `buffer`, if there are any.
    pub(crate) fn take(buffer: &mut BytesMut) -> Option<Self> {
        let mut count = 0;
        let mut rest = &buffer[..];
        while let Some((_, later)) = split_first(rest)
            && count < u32::MAX
        {
            rest = later;
            count += 1;
        }
        let end = buffer.len() - rest.len();
        (count > 0).then(|| ItemFrames {
            frames: buffer.split_to(end).freeze(),
            next: 0,
            count,
            is_bare: false,
        })
    }

    /// A result that came by itself, without its frame.
    pub(crate) fn of_one(result: Bytes) -> Self {
        ItemFrames {
            frames: result,
            next: 0,
            count: 1,
            is_bare: true,
        }
    }

    /// Takes the next encoded result.
    #[inline]
    pub fn next_result(&mut self) -> Option<&[u8]> {
        if self.count == 0 {
            return None;
        }
        let rest = &self.frames[self.next..];
        let (result, later) = match self.is_bare {
            true => (rest, &rest[rest.len()..]),
            false => split_first(rest)?,
        };
        self.next = self.frames.len() - later.len();
        self.count -= 1;
        Some(result)
    }

    /// Takes the first results off, so that at most `count` are left out.
    pub fn skip(&mut self, count: u32) {
        for _ in 0..count {
            if self.next_result().is_none() {
                return;
            }
        }
    }
}

/// The result in the first frame, if that is one of an item, and what follows it, if it is whole.
#[inline]
fn split_first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, body_len) = match frame::short_len(bytes) {
        Some(body_len) => (1, body_len),
        None => (HEADER_LEN, body_len(bytes)?),
    };
    bytes.get(head..)?.split_at_checked(body_len)
}

fn body_len(bytes: &[u8]) -> Option<usize> {
    let [ITEM, 0, 0, 0, l0, l1, l2, l3] = *bytes.first_chunk::<HEADER_LEN>()? else {
        return None;
    };
    let body_len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    (body_len <= frame::MAX_BODY_LEN).then_some(body_len)
}
