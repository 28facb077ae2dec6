//! The bytes as they are written.

use std::ops::Range;

use serde::Serialize;

use super::shapes::{Seen, Shapes};
use crate::Reserve;
use crate::value::attachment::{self, Attachment, MAX_ATTACHMENTS};
use crate::value::error::EncodeError;
use crate::value::kind::Kind;
use crate::value::{MAX_DEPTH, tag};

/// What is reserved at most for the length that a sequence announces; beyond it the output grows as
/// it is written.
pub(super) const RESERVE_MAX: usize = 1 << 20;

/// Writes values; [`super::ser`] makes it a serializer.
#[derive(Debug)]
pub(in crate::value) struct Encoder<'o> {
    pub(super) out: &'o mut Vec<u8>,
    pub(super) reserve: Reserve,
    /// `None` if there is no place for them.
    attached: Option<&'o mut Vec<Attachment>>,
    /// Before a value is written, how it is to be laid out; after that, how it was. A value that is not of
    /// the kind that its slot has is tagged.
    pub(super) slot: Kind,
    depth: usize,
    pub(super) seen: Seen,
    /// `None` until a struct, a tuple or a variant comes for the second time.
    pub(super) shapes: Option<Box<Shapes>>,
}

impl<'o> Encoder<'o> {
    #[inline]
    pub(in crate::value) fn new(
        out: &'o mut Vec<u8>,
        reserve: Reserve,
        attached: Option<&'o mut Vec<Attachment>>,
    ) -> Self {
        Self {
            out,
            reserve,
            attached,
            slot: Kind::Tagged,
            depth: 0,
            seen: Seen::default(),
            shapes: None,
        }
    }

    /// Writes the shapes that were used, and refuses what a `Serialize` implementation left unfinished, by
    /// dropping a compound serializer or by going on after the error of a part.
    #[inline]
    pub(in crate::value) fn finish(self) -> Result<(), EncodeError> {
        if self.depth != 0 {
            return Err(EncodeError::new(
                "the value's serialization was left unfinished",
            ));
        }
        if let Some(shapes) = self.shapes {
            shapes.write(self.out);
        }
        Ok(())
    }

    #[inline]
    pub(super) fn enter(&mut self) -> Result<(), EncodeError> {
        if self.depth == MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Writes a scalar as its slot wants it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn scalar<const N: usize>(
        &mut self,
        kind: Kind,
        bytes: [u8; N],
        tagged: impl FnOnce(&mut Vec<u8>),
    ) {
        if self.slot == kind {
            self.out.extend_from_slice(&bytes);
        } else if self.slot == Kind::Unknown {
            self.slot = kind;
            self.out.extend_from_slice(&bytes);
        } else {
            self.slot = Kind::Tagged;
            tagged(self.out);
        }
    }

    /// Starts a value that is no scalar, or the tag of one that is.
    #[inline]
    pub(super) fn tag(&mut self, tag: u8) {
        self.slot = Kind::Tagged;
        self.out.push(tag);
    }

    #[inline]
    pub(super) fn str(&mut self, value: &str) {
        self.slot = Kind::Tagged;
        put_str_head(self.out, value.len());
        self.extend(value.as_bytes());
    }

    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.tag(tag::BYTES);
        put_uint(self.out, value.len() as u64);
        self.extend(value);
    }

    /// Writes a count, which [`correct_count`](Self::correct_count) may replace.
    #[inline]
    pub(super) fn count(&mut self, announced: usize) -> Count {
        let at = self.out.len();
        put_uint(self.out, announced as u64);
        Count { at, announced }
    }

    /// The announced count was a guess, or there was none. Another width costs a move of what follows.
    #[inline]
    pub(super) fn correct_count(&mut self, count: Count, written: usize) {
        if count.announced != written {
            self.replace_count(count, written);
        }
    }

    #[cold]
    fn replace_count(&mut self, count: Count, written: usize) {
        let mut encoded = Vec::new();
        put_uint(&mut encoded, written as u64);
        self.replace(count.at..count.at + Count::width(count.announced), encoded);
    }

    /// Puts other bytes in place of some that were written.
    #[cold]
    pub(super) fn replace(&mut self, old: Range<usize>, new: Vec<u8>) {
        if let Some(shapes) = &mut self.shapes {
            shapes.moved(&old, new.len());
        }
        self.out.splice(old, new);
    }

    pub(super) fn takes_attachments(&self) -> bool {
        let attached = self.attached.as_ref();
        attached.is_some_and(|attached| attached.len() < MAX_ATTACHMENTS)
    }

    /// Writes a value that may attach itself.
    pub(super) fn attachment<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<(), EncodeError> {
        let start = self.out.len();
        self.slot = Kind::Tagged;
        self.enter()?;
        let (result, attachment) = attachment::ask(|| value.serialize(&mut *self));
        self.leave();
        result?;
        if let (Some(attachment), Some(attached)) = (attachment, &mut self.attached) {
            // What it was asked to write in its place, which is a unit.
            self.out.truncate(start);
            self.out.push(tag::ATTACHMENT);
            put_uint(self.out, attached.len() as u64);
            attached.push(attachment);
        }
        Ok(())
    }

    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        if bytes.len() > RESERVE_MAX {
            (self.reserve)(self.out, bytes.len());
        }
        self.out.extend_from_slice(bytes);
    }
}

/// A count that was written before what it counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    pub(super) at: usize,
    pub(super) announced: usize,
}

impl Count {
    /// How many bytes a count takes.
    pub(super) fn width(count: usize) -> usize {
        1 + wide(count as u64).map_or(0, |(_, width)| width)
    }
}

#[cold]
fn too_deep() -> EncodeError {
    EncodeError::new(format_args!(
        "the value is nested deeper than {MAX_DEPTH} levels"
    ))
}

/// Puts what comes before the bytes of a string.
#[inline]
fn put_str_head(out: &mut Vec<u8>, len: usize) {
    if len <= usize::from(tag::SMALL_STR_MAX - tag::SMALL_STR) {
        out.push(tag::SMALL_STR + len as u8);
    } else {
        out.push(tag::STR);
        put_uint(out, len as u64);
    }
}

pub(super) fn put_str(out: &mut Vec<u8>, value: &str) {
    put_str_head(out, value.len());
    out.extend_from_slice(value.as_bytes());
}

#[inline]
pub(super) fn put_fixed<const N: usize>(out: &mut Vec<u8>, tag: u8, bytes: [u8; N]) {
    out.push(tag);
    out.extend_from_slice(&bytes);
}

/// Puts an integer in its shortest form.
#[inline]
pub(in crate::value) fn put_uint(out: &mut Vec<u8>, value: u64) {
    match wide(value) {
        // All that a word has room for is stored as one, since it is read as one again soon.
        Some((tag, width)) if width < size_of::<u64>() => {
            let len = out.len() + 1 + width;
            out.extend((value << 8 | u64::from(tag)).to_le_bytes());
            out.truncate(len);
        }
        Some((tag, _)) => put_fixed(out, tag, value.to_le_bytes()),
        None => out.push(value as u8),
    }
}

/// As [`put_uint`], for what may be negative.
#[inline]
pub(super) fn put_int(out: &mut Vec<u8>, value: i64) {
    if let Ok(value) = u64::try_from(value) {
        return put_uint(out, value);
    }
    if value >= -32 {
        // Truncation keeps the two's complement, of which the lowest five bits differ.
        out.push((value as u8) & 0x1f | tag::SMALL_NEG);
    } else if let Ok(value) = i8::try_from(value) {
        put_fixed(out, tag::I8, value.to_le_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        put_fixed(out, tag::I16, value.to_le_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        put_fixed(out, tag::I32, value.to_le_bytes());
    } else {
        put_fixed(out, tag::I64, value.to_le_bytes());
    }
}

/// The tag and the width of an integer that is not its own tag.
#[inline]
pub(in crate::value) fn wide(value: u64) -> Option<(u8, usize)> {
    if value <= tag::SMALL_UINT_MAX.into() {
        None
    } else if value <= u8::MAX.into() {
        Some((tag::U8, 1))
    } else if value <= u16::MAX.into() {
        Some((tag::U16, 2))
    } else if value <= u32::MAX.into() {
        Some((tag::U32, 4))
    } else {
        Some((tag::U64, 8))
    }
}
