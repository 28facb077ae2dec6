//! Many items of one function in one message, and their results.
//!
//! An item goes down as the length of its encoded arguments and these. The length is one byte, or, from
//! 255 on, the byte 255 and four more, little endian. A result comes up as a frame of its own, so that it is
//! whole in the stream before the next item begins.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::fields::Fields;
use crate::frame::{self, FrameError, HEADER_LEN};
use crate::{Limits, MessageError, Payload, Ticket};

pub(crate) const RUN_ITEMS: u8 = 6;
pub(crate) const ITEM: u8 = 134;

/// Instead of the length: it is in the four bytes that follow.
const LONG: u8 = u8::MAX;

/// Most bytes before an item.
const MAX_LEN_LEN: usize = 1 + size_of::<u32>();

/// Each item has a time limit of its own.
const CLOCKED: u8 = 1;

/// Some items of one function, sent to one worker, which runs them one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunItems {
    /// Where on the control page the worker claims them, and by what number.
    pub ticket: Ticket,
    /// Offset of the function that decodes, calls and encodes, an item after another.
    pub entry: u64,
    /// Offset of the user's function.
    pub function: u64,
    /// What each item may use.
    pub limits: Limits,
    /// Whether the worker is to note when each item begins, and not only the first.
    pub clocked: bool,
    /// How many there are.
    pub count: u32,
    /// Their encoded arguments, each behind its [length](push_item).
    pub items: Payload,
}

impl RunItems {
    /// Bytes of the frame before the items.
    pub const HEAD_LEN: usize = HEADER_LEN + Self::FIXED_LEN;

    /// Most bytes that the items may take, with their lengths.
    pub const MAX_ITEMS_LEN: usize = frame::MAX_BODY_LEN - Self::FIXED_LEN;

    /// Most bytes that the arguments of one item may take.
    pub const MAX_ARGS_LEN: usize = Self::MAX_ITEMS_LEN - MAX_LEN_LEN;

    const FIXED_LEN: usize = Ticket::LEN + 16 + Limits::LEN + 8;

    /// The frame up to the items, which follow it in the stream.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the items are beyond [`RunItems::MAX_ITEMS_LEN`].
    pub fn head(&self) -> Result<[u8; Self::HEAD_LEN], FrameError> {
        let mut head = [0; Self::HEAD_LEN];
        let mut out = &mut head[..];
        out.put_slice(&frame::leading_header(
            RUN_ITEMS,
            Self::FIXED_LEN,
            &self.items,
        )?);
        self.ticket.encode(&mut out);
        out.put_u64_le(self.entry);
        out.put_u64_le(self.function);
        self.limits.encode(&mut out);
        out.put_u32_le(self.count);
        out.put_u8(if self.clocked { CLOCKED } else { 0 });
        Ok(head)
    }

    pub(crate) fn decode(mut fields: Fields) -> Result<Self, MessageError> {
        let ticket = Ticket::decode(&mut fields)?;
        let (entry, function) = (fields.u64()?, fields.u64()?);
        let limits = Limits::decode(&mut fields)?;
        let count = fields.u32()?;
        let clocked = match fields.u8()? {
            0 => false,
            CLOCKED => true,
            found => {
                return Err(MessageError::UnknownValue {
                    field: "flags",
                    found: found.into(),
                });
            }
        };
        fields.zeroes::<3>()?;
        Ok(RunItems {
            ticket,
            entry,
            function,
            limits,
            clocked,
            count,
            items: fields.payload(),
        })
    }
}

/// Appends an item, whose arguments `encode` appends.
///
/// # Errors
/// Those of `encode`, and `None` if the arguments are beyond [`RunItems::MAX_ARGS_LEN`]. What was
/// appended is then taken off again.
///
/// ```
/// use procpool_wire::items::{push_item, take_item};
/// let mut items = Vec::new();
/// push_item(&mut items, |out| Ok::<_, ()>(out.extend(b"one"))).unwrap();
/// let mut rest = &items[..];
/// assert_eq!(take_item(&mut rest), Some(&b"one"[..]));
/// assert_eq!(take_item(&mut rest), None);
/// ```
#[inline]
pub fn push_item<E>(
    items: &mut Vec<u8>,
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), Option<E>> {
    let start = items.len();
    items.push(0);
    let encoded = encode(items);
    let len = items.len() - start - 1;
    match (encoded, u8::try_from(len)) {
        (Ok(()), Ok(len)) if len != LONG => {
            items[start] = len;
            Ok(())
        }
        (Ok(()), _) => make_long(items, start, len).ok_or(None),
        (Err(error), _) => {
            items.truncate(start);
            Err(Some(error))
        }
    }
}

/// Makes room for the length of an item that is too long for a short one. To move it takes a small part of
/// the time that it took to encode it.
#[cold]
fn make_long(items: &mut Vec<u8>, start: usize, len: usize) -> Option<()> {
    if len > RunItems::MAX_ARGS_LEN {
        items.truncate(start);
        return None;
    }
    let len = u32::try_from(len).ok()?.to_le_bytes();
    items.splice(start..=start, [LONG, len[0], len[1], len[2], len[3]]);
    Some(())
}

/// Takes the next item's arguments off the front; `None` if there is none that is whole.
#[inline]
pub fn take_item<'a>(items: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&len, rest) = items.split_first()?;
    let (item, rest) = match len {
        LONG => {
            let (len, rest) = rest.split_first_chunk()?;
            rest.split_at_checked(u32::from_le_bytes(*len) as usize)?
        }
        len => rest.split_at_checked(len.into())?,
    };
    *items = rest;
    Some(item)
}

/// Takes that many items off the front, unseen. `None`, and nothing is taken, if there are fewer.
pub fn skip_items(items: &mut Bytes, count: u32) -> Option<()> {
    let mut rest = &items[..];
    for _ in 0..count {
        take_item(&mut rest)?;
    }
    let skipped = items.len() - rest.len();
    items.advance(skipped);
    Some(())
}

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
