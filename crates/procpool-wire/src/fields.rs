//! Fixed-width fields at the front of a body, read without trusting that they are there.

use std::ops::Deref;

use bytes::{Buf, Bytes};

use crate::{Frame, MessageError, Payload};

/// Takes fields from the front of a body; what is left is the payload.
pub(crate) struct Fields<B = Bytes> {
    rest: B,
    bulk: Option<Bytes>,
}

/// A body: bytes that are shared, or a piece of the buffer in which they arrived.
pub(crate) trait Body: Deref<Target = [u8]> + Buf {
    /// A payload of this and what was read apart from it.
    fn into_payload(self, bulk: Option<Bytes>) -> Payload;
}

impl Body for Bytes {
    fn into_payload(self, bulk: Option<Bytes>) -> Payload {
        Payload::of_parts(self, bulk)
    }
}

impl Body for &[u8] {
    #[inline]
    fn into_payload(self, bulk: Option<Bytes>) -> Payload {
        match bulk {
            None => self.into(),
            bulk => Payload::of_parts(Bytes::copy_from_slice(self), bulk),
        }
    }
}

impl<'a> Fields<&'a [u8]> {
    #[inline]
    pub(crate) fn of_slice(body: &'a [u8]) -> Self {
        let (rest, bulk) = (body, None);
        Fields { rest, bulk }
    }
}

impl Fields {
    pub(crate) fn of(frame: Frame) -> Self {
        match frame.bulk {
            // Nothing leads a bulk that is all of the message.
            Some(bulk) if frame.body.is_empty() => Fields {
                rest: bulk,
                bulk: None,
            },
            bulk => Fields {
                rest: frame.body,
                bulk,
            },
        }
    }
}

impl<B: Body> Fields<B> {
    /// All that follows.
    #[inline]
    pub(crate) fn payload(self) -> Payload {
        self.rest.into_payload(self.bulk)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, MessageError> {
        self.take().map(|[byte]| byte)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16, MessageError> {
        self.take().map(u16::from_le_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, MessageError> {
        self.take().map(u32::from_le_bytes)
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64, MessageError> {
        self.take().map(u64::from_le_bytes)
    }

    /// Bytes that are kept for later versions and must be zero now.
    #[inline]
    pub(crate) fn zeroes<const N: usize>(&mut self) -> Result<(), MessageError> {
        match self.take::<N>()?.iter().all(|byte| *byte == 0) {
            true => Ok(()),
            false => Err(MessageError::Reserved),
        }
    }

    /// Nothing may follow.
    pub(crate) fn end(self) -> Result<(), MessageError> {
        match self.rest.is_empty() && self.bulk.is_none() {
            true => Ok(()),
            false => Err(MessageError::TrailingBytes),
        }
    }

    #[inline]
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        let field = *self
            .rest
            .first_chunk::<N>()
            .ok_or(MessageError::Truncated)?;
        self.rest.advance(N);
        Ok(field)
    }
}
