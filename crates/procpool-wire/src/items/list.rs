//! A list of items: the length of each, then its arguments.
//!
//! A length is one byte, or, from 255 on, the byte 255 and four more, little-endian.

use bytes::{Buf, Bytes};

use super::RunItems;
use crate::ScalarType;

/// In place of a length: the length is in the next four bytes.
const LONG: u8 = u8::MAX;

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

/// Makes room for a length of five bytes. Moving the item takes a small part of the time that it took to encode it.
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

/// Takes that many items or scalars off the front. `None`, and nothing is taken, if there are fewer.
pub fn skip_items(items: &mut Bytes, column: Option<ScalarType>, count: u32) -> Option<()> {
    let skipped = match column {
        Some(kind) => (count as usize).checked_mul(kind.width())?,
        None => {
            let mut rest = &items[..];
            for _ in 0..count {
                take_item(&mut rest)?;
            }
            items.len() - rest.len()
        }
    };
    if skipped > items.len() {
        return None;
    }
    items.advance(skipped);
    Some(())
}
