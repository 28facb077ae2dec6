//! The bytes as they are read; [`super::de`] makes it a deserializer.

use std::cell::OnceCell;

use serde::de::DeserializeSeed;

use super::reader::{Head, Reader};
use super::shape::Shapes;
use crate::value::MAX_DEPTH;
use crate::value::attachment::Attachment;
use crate::value::error::DecodeError;
use crate::value::kind::Kind;

/// Reads values.
#[derive(Debug)]
pub(in crate::value) struct Decoder<'s, 'de> {
    pub(super) reader: Reader<'s, 'de>,
    /// Enum variants whose content nobody has asked for yet.
    pub(super) variants_due: usize,
    depth: usize,
}

impl<'s, 'de> Decoder<'s, 'de> {
    #[inline]
    pub(in crate::value) fn new(
        bytes: &'de [u8],
        attached: &'de [Attachment],
        shapes: &'s OnceCell<Shapes<'de>>,
    ) -> Self {
        Self {
            reader: Reader::new(bytes, attached, Some(shapes)),
            variants_due: 0,
            depth: 0,
        }
    }

    #[inline]
    pub(in crate::value) fn finish(self) -> Result<(), DecodeError> {
        if self.reader.input.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::new("there are bytes behind the value"))
        }
    }

    /// Runs `read` one level deeper.
    #[inline]
    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth == MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// The head of a value whose reader expects no option.
    ///
    /// A type may write a `Some` that it reads as its content (`#[serde(into = "Option<T>", from =
    /// "T")]`); JSON does not tell the two apart, so such types exist.
    #[inline]
    pub(super) fn content_head(&mut self) -> Result<Head<'s, 'de>, DecodeError> {
        loop {
            match self.reader.head()? {
                Head::Some => {}
                head => return Ok(head),
            }
        }
    }

    /// Reads a part of a value, which is laid out like this. Its failure is final, even if the visitor should go on
    /// after it.
    #[inline]
    pub(super) fn part<T: DeserializeSeed<'de>>(
        &mut self,
        kind: Kind,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        self.reader.slot = kind;
        let result = seed.deserialize(&mut *self);
        if result.is_err() {
            self.reader.poison();
        }
        result
    }
}

#[cold]
pub(super) fn too_deep() -> DecodeError {
    DecodeError::new(format_args!(
        "the value is nested deeper than {MAX_DEPTH} levels"
    ))
}
