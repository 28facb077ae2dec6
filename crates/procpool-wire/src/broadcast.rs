//! A function that runs once in every worker.

use bytes::BufMut;

use crate::fields::Fields;
use crate::frame::{self, FrameError};
use crate::{MessageError, Payload};

/// The kind of a [`Command::Broadcast`](crate::Command::Broadcast).
pub(crate) const BROADCAST: u8 = 5;

/// A function that runs once in every worker, and of whose end only an error is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// Offset of the function that decodes and calls.
    pub entry: u64,
    /// Offset of the user's function.
    pub function: u64,
    /// The encoded arguments.
    pub args: Payload,
}

impl Broadcast {
    /// Bytes of the frame before its arguments.
    pub const HEAD_LEN: usize = frame::HEADER_LEN + 16;

    /// Most bytes that the arguments may take.
    pub const MAX_ARGS_LEN: usize = frame::MAX_BODY_LEN - 16;

    /// The frame up to the arguments, which follow it in the stream.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the arguments are beyond [`Broadcast::MAX_ARGS_LEN`].
    pub fn head(&self) -> Result<[u8; Self::HEAD_LEN], FrameError> {
        let mut head = [0; Self::HEAD_LEN];
        let mut out = &mut head[..];
        out.put_slice(&frame::leading_header(BROADCAST, 16, &self.args)?);
        out.put_u64_le(self.entry);
        out.put_u64_le(self.function);
        Ok(head)
    }

    pub(crate) fn decode(mut fields: Fields) -> Result<Self, MessageError> {
        let (entry, function) = (fields.u64()?, fields.u64()?);
        Ok(Broadcast {
            entry,
            function,
            args: fields.payload(),
        })
    }
}
