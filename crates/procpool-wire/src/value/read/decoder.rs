//! The bytes as they are read; [`super::de`] makes it a deserializer.

use serde::de::DeserializeSeed;

use super::reader::{Head, Reader};
use crate::value::attachment::Attachment;
use crate::value::error::DecodeError;
use crate::value::max_depth::MAX_DEPTH;

/// Reads values.
#[derive(Debug)]
pub(in crate::value) struct Decoder<'de> {
    pub(in crate::value) reader: Reader<'de>,
    /// Enum variants whose content nobody has asked for yet.
    pub(in crate::value) variants_due: usize,
    depth: usize,
}

impl<'de> Decoder<'de> {
    #[inline]
    pub(in crate::value) fn new(bytes: &'de [u8], attached: &'de [Attachment]) -> Self {
        Self {
            reader: Reader::new(bytes, attached),
            variants_due: 0,
            depth: 0,
        }
    }

    #[inline]
    pub(in crate::value) fn finish(self) -> Result<(), DecodeError> {
        if self.reader.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::new("there are bytes behind the value"))
        }
    }

    /// Runs `read` one level deeper.
    #[inline]
    pub(in crate::value) fn nested<T>(
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
    pub(in crate::value) fn content_head(&mut self) -> Result<Head<'de>, DecodeError> {
        loop {
            match self.reader.head()? {
                Head::Some => {}
                head => return Ok(head),
            }
        }
    }

    /// Reads a part of a value. Its failure is final, even if the visitor should go on after it.
    #[inline]
    pub(in crate::value) fn part<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        let result = seed.deserialize(&mut *self);
        if result.is_err() {
            self.reader.poison();
        }
        result
    }
}

#[cold]
pub(in crate::value) fn too_deep() -> DecodeError {
    DecodeError::new(format_args!(
        "the value is nested deeper than {MAX_DEPTH} levels"
    ))
}
