//! The bytes of a payload in one of their forms, and its attachments.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;

use super::inline_bytes::InlineBytes;
use crate::value::attachment::Attachment;

/// Bytes in one of their forms. It is small, since very many payloads may wait in a queue.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// A value whose bytes fit into the payload itself.
    Inline(InlineBytes),
    Value(Bytes),
    Sequence(Bytes),
    ByteString(Bytes),
    /// A value with attachments.
    Attached(Arc<Attached>),
}

#[derive(Debug)]
pub(crate) struct Attached {
    bytes: Bytes,
    /// The attachments by their index, or why they are not available.
    attachments: Result<Vec<Attachment>, String>,
}

/// What the bytes of a payload are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The whole encoding.
    Value,
    /// The content of a sequence of `u8`.
    Sequence,
    /// The content of a byte string.
    ByteString,
}

impl Content {
    #[inline]
    pub(crate) fn form(&self) -> Form {
        match self {
            Content::Inline(_) | Content::Value(_) | Content::Attached(_) => Form::Value,
            Content::Sequence(_) => Form::Sequence,
            Content::ByteString(_) => Form::ByteString,
        }
    }

    #[inline]
    pub(crate) fn get(&self) -> &[u8] {
        match self {
            Content::Inline(inline) => inline,
            Content::Value(bytes) | Content::Sequence(bytes) | Content::ByteString(bytes) => bytes,
            Content::Attached(attached) => &attached.bytes,
        }
    }

    /// Becomes a value of these bytes.
    #[inline]
    pub(crate) fn fill(&mut self, bytes: &[u8]) {
        if let Content::Inline(inline) = self
            && inline.fill(bytes)
        {
            return;
        }
        *self = bytes.into();
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        if !matches!(self, Content::Inline(_)) {
            *self = Content::default();
        }
    }

    pub(crate) fn take(&mut self) -> Bytes {
        match mem::take(self) {
            Content::Inline(inline) => Bytes::copy_from_slice(&inline),
            Content::Value(bytes) | Content::Sequence(bytes) | Content::ByteString(bytes) => bytes,
            Content::Attached(attached) => attached.bytes.clone(),
        }
    }

    pub(crate) fn attach(&mut self, attachments: Result<Vec<Attachment>, String>) {
        let nothing = attachments.as_ref().is_ok_and(Vec::is_empty);
        if !nothing && self.form() == Form::Value {
            let bytes = self.take();
            *self = Content::Attached(Arc::new(Attached { bytes, attachments }));
        }
    }

    #[inline]
    pub(crate) fn attached(&self) -> Result<&[Attachment], &str> {
        match self {
            Content::Attached(attached) => match &attached.attachments {
                Ok(attachments) => Ok(attachments),
                Err(why) => Err(why),
            },
            _ => Ok(&[]),
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Content::Inline(InlineBytes::EMPTY)
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        InlineBytes::new(&bytes).map_or(Content::Value(bytes), Content::Inline)
    }
}

impl From<&[u8]> for Content {
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        match InlineBytes::new(bytes) {
            Some(inline) => Content::Inline(inline),
            None => Content::Value(Bytes::copy_from_slice(bytes)),
        }
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Content::Attached(one), Content::Attached(other)) => Arc::ptr_eq(one, other),
            (Content::Attached(_), _) | (_, Content::Attached(_)) => false,
            _ => self.form() == other.form() && self.get() == other.get(),
        }
    }
}

impl Eq for Content {}
