//! Fixed-width fields at the front of a body, read without trusting that they are there.

use bytes::{Buf, Bytes};

use crate::{Frame, MessageError, Payload};

/// Takes fields from the front of a body; what is left is the payload.
pub(crate) struct Fields {
    rest: Bytes,
    bulk: Option<Bytes>,
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

    /// All that follows.
    pub(crate) fn payload(self) -> Payload {
        Payload::of_parts(self.rest, self.bulk)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, MessageError> {
        self.take().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, MessageError> {
        self.take().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, MessageError> {
        self.take().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, MessageError> {
        self.take().map(u64::from_le_bytes)
    }

    /// Bytes that are kept for later versions and must be zero now.
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

    fn take<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        let field = *self
            .rest
            .first_chunk::<N>()
            .ok_or(MessageError::Truncated)?;
        self.rest.advance(N);
        Ok(field)
    }
}
