//! Many items of one function in one message, and their results.
//!
//! An item goes down as its length, four bytes little endian, and its encoded arguments. A result
//! comes up as a frame of its own, so that it is whole in the stream before the next item begins.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::fields::Fields;
use crate::frame::{self, FrameError, HEADER_LEN};
use crate::{Limits, MessageError, Payload, Ticket};

pub(crate) const RUN_ITEMS: u8 = 6;
pub(crate) const ITEM: u8 = 134;

/// Bytes before each item.
const LEN_LEN: usize = size_of::<u32>();

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
    pub const MAX_ARGS_LEN: usize = Self::MAX_ITEMS_LEN - LEN_LEN;

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
pub fn push_item<E>(
    items: &mut Vec<u8>,
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), Option<E>> {
    let start = items.len();
    items.extend_from_slice(&[0; LEN_LEN]);
    let body = items.len();
    let encoded = encode(items);
    let len = items.len() - body;
    if encoded.is_ok()
        && len <= RunItems::MAX_ARGS_LEN
        && let Ok(len) = u32::try_from(len)
    {
        items[start..body].copy_from_slice(&len.to_le_bytes());
        return Ok(());
    }
    items.truncate(start);
    Err(encoded.err())
}

/// Takes the next item's arguments off the front; `None` if there is none that is whole.
pub fn take_item<'a>(items: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = u32::from_le_bytes(*items.first_chunk::<LEN_LEN>()?);
    let end = LEN_LEN.checked_add(usize::try_from(len).ok()?)?;
    let item = items.get(LEN_LEN..end)?;
    *items = &items[end..];
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFrames {
    /// Whole frames; or a single result, without its frame.
    frames: Bytes,
    count: u32,
    is_bare: bool,
}

impl ItemFrames {
    /// How many results these are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many bytes they take.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether none is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Makes room at the start of a frame's buffer for its header; [`close`](ItemFrames::close) fills it
    /// in, once the encoded result is behind it.
    pub fn open(frame: &mut Vec<u8>) {
        frame.clear();
        frame.extend_from_slice(&[0; HEADER_LEN]);
    }

    /// Makes what was appended to an [opened](ItemFrames::open) buffer a frame.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if it is beyond what a frame may hold.
    pub fn close(frame: &mut [u8]) -> Result<(), FrameError> {
        if let Some((head, body)) = frame.split_first_chunk_mut::<HEADER_LEN>() {
            *head = frame::header(ITEM, body.len())?;
        }
        Ok(())
    }

    /// The results that are whole at the front of `buffer`, if there are any.
    pub(crate) fn take(buffer: &mut BytesMut) -> Option<Self> {
        let mut count = 0;
        let mut end = 0;
        while let Some(len) = item_len(&buffer[end..])
            && buffer.len() - end >= len
            && count < u32::MAX
        {
            end += len;
            count += 1;
        }
        (count > 0).then(|| ItemFrames {
            frames: buffer.split_to(end).freeze(),
            count,
            is_bare: false,
        })
    }

    /// A result that came by itself, without its frame.
    pub(crate) fn of_one(result: Bytes) -> Self {
        ItemFrames {
            frames: result,
            count: 1,
            is_bare: true,
        }
    }

    /// The next encoded result, which `read` is shown.
    pub fn next<T>(&mut self, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        if self.is_bare && self.count > 0 {
            self.count = 0;
            return Some(read(&std::mem::take(&mut self.frames)));
        }
        let len = item_len(&self.frames).filter(|_| self.count > 0)?;
        let result = read(self.frames.get(HEADER_LEN..len)?);
        self.frames.advance(len);
        self.count -= 1;
        Some(result)
    }

    /// Takes the first results off, so that at most `count` are left out.
    pub fn skip(&mut self, count: u32) {
        for _ in 0..count {
            if self.next(|_| ()).is_none() {
                return;
            }
        }
    }
}

/// The length of the frame at the front, header and all, if it is that of an item.
fn item_len(bytes: &[u8]) -> Option<usize> {
    let [l0, l1, l2, l3, ITEM, 0, 0, 0] = *bytes.first_chunk::<HEADER_LEN>()? else {
        return None;
    };
    let body = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    (body <= frame::MAX_BODY_LEN).then_some(HEADER_LEN + body)
}
