//! The bytes as they are written.

use std::ops::Range;

use serde::Serialize;

use super::put::{put_str_head, put_uint, wide};
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
