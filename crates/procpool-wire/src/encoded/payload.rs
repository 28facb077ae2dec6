//! Arguments or a result, encoded.

use std::any::Any;
use std::mem;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::EncodedValue;
use super::content::{Content, Form};
use crate::frame::LARGE;
use crate::value::attachment::Attachment;
use crate::value::{self, DecodeError, Prefix};

/// One encoded value.
///
/// It is the bytes of [`value::encode`], but a large `Vec<u8>` or [`Bytes`] that is the whole value is kept
/// as it is, with the few bytes apart that come before its content. So it is neither copied when it is encoded
/// nor, if it arrives as the bulk of a frame, when it is decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    bytes: Content,
}

impl Payload {
    /// Takes a value that is one large piece of bytes as it is, without a copy; gives back any other.
    ///
    /// # Errors
    /// The value, to be [encoded](crate::Encoding).
    pub fn of_bytes<T: 'static>(value: T) -> Result<Self, T> {
        let mut slot = Some(value);
        let any = &mut slot as &mut dyn Any;
        if let Some(Some(bytes)) = any.downcast_mut::<Option<Vec<u8>>>()
            && bytes.len() > LARGE
        {
            return Ok(Payload {
                bytes: Content::Sequence(mem::take(bytes).into()),
            });
        }
        if let Some(Some(bytes)) = any.downcast_mut::<Option<Bytes>>()
            && bytes.len() > LARGE
        {
            return Ok(Payload {
                bytes: Content::ByteString(mem::take(bytes)),
            });
        }
        slot.map_or_else(|| Ok(Payload::default()), Err)
    }

    /// Becomes a copy of what [`value::encode`] has made.
    ///
    /// The same as an assignment, but a few bytes are copied once, to their final place. A processor can't forward narrow
    /// stores to a wider load, so a second copy right after the first would wait for the cache.
    #[inline]
    pub fn fill(&mut self, bytes: &[u8]) {
        self.bytes.fill(bytes);
    }

    /// The attachments.
    #[must_use]
    #[inline]
    pub fn attached(&self) -> &[Attachment] {
        self.bytes.attached().unwrap_or_default()
    }

    /// Adds the attachments that came beside its bytes, or the reason why they are not available.
    pub fn attach(&mut self, attached: Result<Vec<Attachment>, String>) {
        self.bytes.attach(attached);
    }

    /// What comes before [`Payload::bytes`] in the encoding, if anything.
    #[must_use]
    #[inline]
    pub fn prefix(&self) -> Prefix {
        match self.bytes.form() {
            Form::Value => Prefix::default(),
            Form::Sequence => Prefix::of_sequence(self.bytes.get().len()),
            Form::ByteString => Prefix::of_byte_string(self.bytes.get().len()),
        }
    }

    /// The encoding, behind [`Payload::prefix`].
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get()
    }

    /// The encoding, if it is in one piece and nothing travels beside it.
    #[must_use]
    #[inline]
    pub fn plain_bytes(&self) -> Option<&[u8]> {
        match &self.bytes {
            Content::Inline(inline) => Some(inline),
            Content::Value(bytes) => Some(bytes),
            Content::Sequence(_) | Content::ByteString(_) | Content::Attached(_) => None,
        }
    }

    /// As [`Payload::bytes`], to be kept: without a copy, unless they are few.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.bytes.clone().take()
    }

    /// How many bytes the encoding has.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.prefix().len() + self.bytes.get().len()
    }

    /// Whether there are no bytes at all, which is the encoding of no value.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Decodes the value.
    ///
    /// # Errors
    /// As [`value::decode`].
    #[inline]
    pub fn decode<T: DeserializeOwned + 'static>(mut self) -> Result<T, DecodeError> {
        self.take()
    }

    /// As [`Payload::decode`], but keeps the bytes that the value is not made of.
    ///
    /// # Errors
    /// As [`value::decode`].
    pub fn take<T: DeserializeOwned + 'static>(&mut self) -> Result<T, DecodeError> {
        let mut slot = None::<T>;
        let any = &mut slot as &mut dyn Any;
        if self.bytes.form() == Form::Sequence
            && let Some(vector) = any.downcast_mut::<Option<Vec<u8>>>()
        {
            *vector = Some(self.bytes.take().into());
        } else if self.bytes.form() == Form::ByteString
            && let Some(bytes) = any.downcast_mut::<Option<Bytes>>()
        {
            *bytes = Some(self.bytes.take());
        }
        match slot {
            Some(value) => Ok(value),
            None if self.bytes.form() == Form::Value => {
                let attached = self.bytes.attached().map_err(DecodeError::new)?;
                value::decode_attached(self.bytes.get(), attached)
            }
            None => value::decode(&self.whole()),
        }
    }

    /// Frees the memory that it holds, if it holds any. Its value is unspecified afterwards.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The payload of a message, of which this much came with what leads it.
    pub(crate) fn of_parts(lead: Bytes, bulk: Option<Bytes>) -> Self {
        let Some(bulk) = bulk else { return lead.into() };
        let form = if lead.is_empty() {
            Form::Value
        } else if *lead == *Prefix::of_sequence(bulk.len()) {
            Form::Sequence
        } else if *lead == *Prefix::of_byte_string(bulk.len()) {
            Form::ByteString
        } else {
            return [lead, bulk].concat().into();
        };
        let bytes = match form {
            Form::Value => Content::Value(bulk),
            Form::Sequence => Content::Sequence(bulk),
            Form::ByteString => Content::ByteString(bulk),
        };
        Payload { bytes }
    }

    /// The encoding in one piece.
    #[must_use]
    pub fn into_whole(self) -> Bytes {
        self.whole()
    }

    fn whole(&self) -> Bytes {
        match self.bytes.form() {
            Form::Value => self.to_bytes(),
            Form::Sequence | Form::ByteString => [&self.prefix(), self.bytes.get()].concat().into(),
        }
    }
}

impl EncodedValue for Payload {
    #[inline]
    fn prefix(&self) -> Prefix {
        self.prefix()
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.bytes()
    }
}

impl From<Bytes> for Payload {
    /// Takes what [`value::encode`] has made.
    fn from(bytes: Bytes) -> Self {
        Payload {
            bytes: bytes.into(),
        }
    }
}

impl From<&[u8]> for Payload {
    /// Copies what [`value::encode`] has made.
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        Payload {
            bytes: bytes.into(),
        }
    }
}

impl From<Vec<u8>> for Payload {
    /// Takes what [`value::encode`] has made.
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}
