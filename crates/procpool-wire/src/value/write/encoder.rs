//! The bytes as they are written, and how a sequence of `u8` becomes a byte string on the way.

use serde::Serialize;

use crate::Reserve;
use crate::value::attachment::{self, Attachment, MAX_ATTACHMENTS};
use crate::value::error::EncodeError;
use crate::value::max_depth::MAX_DEPTH;
use crate::value::tag;
use crate::value::vec_u8::Place;

/// What is reserved at most for the length that a sequence announces; beyond it the output grows as
/// it is written.
const RESERVE_MAX: usize = 1 << 20;

/// The same for an iterator of bytes, which announces what it has exactly: 64 MiB. What it then does
/// not have is address space that nobody touches.
const RESERVE_BYTES_MAX: usize = 64 << 20;

/// So many bytes of an iterator are made room for and written at once: 32 KiB, whose number is as narrow as it
/// can be. What is counted beside each byte decides how many of them the compiler copies in a step.
const PART: u16 = 32 << 10;

/// Writes values; [`super::ser`] makes it a serializer.
#[derive(Debug)]
pub(in crate::value) struct Encoder<'o> {
    out: &'o mut Vec<u8>,
    reserve: Reserve,
    /// `None` if there is no place for them.
    attached: Option<&'o mut Vec<Attachment>>,
    run: Run,
    depth: usize,
}

/// Whether the innermost open sequence has so far had nothing but `u8` elements.
///
/// `Vec<u8>` arrives as a sequence of single elements, so the run is found while it is written. One
/// state is enough for all levels, because whatever opens a level inside a sequence is itself an
/// element that is no `u8`.
#[derive(Debug, Clone, Copy)]
enum Run {
    /// No: the next `u8` is an integer like any other.
    Closed,
    /// A sequence has just been opened and will announce this length if it turns out to be bytes.
    Fresh { announced: usize },
    /// Raw bytes from `body` on; between them and the tag stands the announced length.
    Open {
        tag: usize,
        body: usize,
        announced: usize,
    },
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
            run: Run::Closed,
            depth: 0,
        }
    }

    /// Refuses what a `Serialize` implementation left unfinished, by dropping a compound serializer
    /// or by going on after the error of a part.
    #[inline]
    pub(in crate::value) fn finish(self) -> Result<(), EncodeError> {
        if self.depth == 0 {
            Ok(())
        } else {
            Err(EncodeError::new(
                "the value's serialization was left unfinished",
            ))
        }
    }

    #[inline]
    pub(in crate::value) fn enter(&mut self) -> Result<(), EncodeError> {
        if self.depth == MAX_DEPTH {
            return Err(EncodeError::new(format_args!(
                "the value is nested deeper than {MAX_DEPTH} levels"
            )));
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    pub(in crate::value) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Starts an element that is not a `u8`.
    #[inline]
    pub(in crate::value) fn tag(&mut self, tag: u8) {
        self.close_run();
        self.out.push(tag);
    }

    #[inline]
    pub(in crate::value) fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) {
        self.tag(tag);
        self.out.extend(bytes);
    }

    #[inline]
    pub(in crate::value) fn uint(&mut self, value: u64) {
        self.close_run();
        put_uint(self.out, value);
    }

    #[inline]
    pub(in crate::value) fn int(&mut self, value: i64) {
        if let Ok(value) = u64::try_from(value) {
            return self.uint(value);
        }
        if value >= -32 {
            // Truncation keeps the two's complement, of which the lowest five bits differ.
            self.tag((value as u8) & 0x1f | tag::SMALL_NEG);
        } else if let Ok(value) = i8::try_from(value) {
            self.fixed(tag::I8, value.to_le_bytes());
        } else if let Ok(value) = i16::try_from(value) {
            self.fixed(tag::I16, value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.fixed(tag::I32, value.to_le_bytes());
        } else {
            self.fixed(tag::I64, value.to_le_bytes());
        }
    }

    #[inline]
    pub(in crate::value) fn str(&mut self, value: &str) {
        self.close_run();
        match u8::try_from(value.len()) {
            Ok(len) if len <= tag::SMALL_STR_MAX - tag::SMALL_STR => {
                self.out.push(tag::SMALL_STR + len)
            }
            _ => {
                self.out.push(tag::STR);
                put_uint(self.out, value.len() as u64);
            }
        }
        self.extend(value.as_bytes());
    }

    pub(in crate::value) fn begin_seq(
        &mut self,
        announced: usize,
    ) -> Result<&mut Self, EncodeError> {
        self.enter()?;
        self.tag(tag::SEQ);
        self.run = Run::Fresh { announced };
        Ok(self)
    }

    /// Writes the bytes of the sequence that was just begun, as many as its iterator says at least that
    /// it has. It may lie; what is left of it is to be written one by one.
    pub(in crate::value) fn u8_items<T: Serialize>(
        &mut self,
        announced: usize,
        items: &mut impl Iterator<Item = T>,
    ) -> Result<(), EncodeError> {
        let mut left = announced;
        while left > 0 {
            if let Run::Fresh { announced } = self.run {
                self.open_run(announced);
            }
            let begin = self.out.len();
            let part = left.min(PART.into());
            if self.out.capacity() - begin < part {
                // As much again as has come: the iterator is not trusted with more. What follows is mostly
                // an end mark or two, which should not have all of this moved.
                let room = left.min(begin.max(RESERVE_BYTES_MAX));
                (self.reserve)(self.out, room + room / 4096);
            }
            self.out.resize(begin + part, 0);
            let mut written = 0u16;
            for (place, item) in self.out[begin..].iter_mut().zip(&mut *items) {
                item.serialize(Place(place))?;
                written += 1;
            }
            let written = usize::from(written);
            if written < part {
                self.out.truncate(begin + written);
                return Ok(());
            }
            left -= part;
        }
        Ok(())
    }

    /// If a run is open or fresh, it is this sequence's.
    pub(in crate::value) fn end_seq(&mut self) {
        match self.run {
            Run::Open {
                tag,
                body,
                announced,
            } => {
                let len = self.out.len() - body;
                if len != announced {
                    self.correct_len(tag, body, len);
                }
            }
            Run::Fresh { .. } | Run::Closed => self.out.push(tag::END),
        }
        self.run = Run::Closed;
        self.leave();
    }

    pub(in crate::value) fn begin_map(&mut self) -> Result<&mut Self, EncodeError> {
        self.enter()?;
        self.tag(tag::MAP);
        Ok(self)
    }

    pub(in crate::value) fn end_map(&mut self) {
        self.out.push(tag::END);
        self.leave();
    }

    pub(in crate::value) fn begin_variant(&mut self, name: &str) -> Result<(), EncodeError> {
        self.enter()?;
        self.tag(tag::VARIANT);
        self.str(name);
        Ok(())
    }

    /// The loop over a `Vec<u8>` comes by here once a byte: in it stands a check and a push.
    #[inline]
    pub(in crate::value) fn u8(&mut self, value: u8) {
        if let Run::Open { .. } = self.run {
            self.out.push(value);
        } else {
            self.u8_outside_run(value);
        }
    }

    #[inline(never)]
    fn u8_outside_run(&mut self, value: u8) {
        if let Run::Fresh { announced } = self.run {
            self.open_run(announced);
            self.out.reserve(announced.min(RESERVE_MAX));
            self.out.push(value);
        } else {
            put_uint(self.out, value.into());
        }
    }

    pub(in crate::value) fn bytes(&mut self, value: &[u8]) {
        self.tag(tag::BYTES);
        put_uint(self.out, value.len() as u64);
        self.extend(value);
    }

    pub(in crate::value) fn takes_attachments(&self) -> bool {
        let attached = self.attached.as_ref();
        attached.is_some_and(|attached| attached.len() < MAX_ATTACHMENTS)
    }

    /// Writes a value that may attach itself.
    pub(in crate::value) fn attachment<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.close_run();
        let start = self.out.len();
        self.enter()?;
        let (result, attachment) = attachment::ask(|| value.serialize(&mut *self));
        self.leave();
        result?;
        if let (Some(attachment), Some(attached)) = (attachment, &mut self.attached) {
            // Removes the unit that the content wrote.
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

    #[cold]
    fn open_run(&mut self, announced: usize) {
        let tag = self.out.len() - 1;
        self.out[tag] = tag::U8_SEQ;
        put_uint(self.out, announced as u64);
        self.run = Run::Open {
            tag,
            body: self.out.len(),
            announced,
        };
    }

    /// The announced length was a guess, or there was none. Another width costs a move of the
    /// bytes.
    #[cold]
    fn correct_len(&mut self, tag: usize, body: usize, len: usize) {
        let mut encoded = Vec::new();
        put_uint(&mut encoded, len as u64);
        self.out.splice(tag + 1..body, encoded);
    }

    #[inline]
    fn close_run(&mut self) {
        if let Run::Open { tag, body, .. } = self.run {
            self.rewrite_run(tag, body);
        }
        self.run = Run::Closed;
    }

    /// The sequence is mixed after all: its bytes so far become integers.
    #[cold]
    fn rewrite_run(&mut self, tag: usize, body: usize) {
        let bytes = self.out.split_off(body);
        self.out.truncate(tag);
        self.out.push(tag::SEQ);
        for byte in bytes {
            put_uint(self.out, byte.into());
        }
    }
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
        Some((tag, _)) => {
            out.push(tag);
            out.extend(value.to_le_bytes());
        }
        None => out.push(value as u8),
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
