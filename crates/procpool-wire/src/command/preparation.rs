//! A function that prepares a worker for its tasks.

use crate::fields::Fields;
use crate::frame::{self, FrameError};
use crate::head::{HEADER, Head};
use crate::kind::{BROADCAST, INITIALIZE};
use crate::{EncodedValue, MessageError, Payload};

/// A function that prepares a worker: the initializer, which makes its state, or a broadcast. The worker answers
/// only with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preparation<P = Payload> {
    /// Offset of the function that decodes and calls.
    pub entry: u64,
    /// Offset of the user's function.
    pub function: u64,
    /// The encoded arguments.
    pub args: P,
}

/// Words of the message before the arguments.
const WORDS: usize = 3;

impl Preparation {
    /// Bytes of the message before the arguments.
    pub const HEAD_LEN: usize = WORDS * size_of::<u64>();

    /// Most bytes that the arguments may take.
    pub const MAX_ARGS_LEN: usize = frame::HEADER_LEN + frame::MAX_BODY_LEN - Self::HEAD_LEN;

    pub(crate) fn decode(mut fields: Fields) -> Result<Self, MessageError> {
        let [entry, function] = fields.words()?;
        Ok(Preparation {
            entry,
            function,
            args: fields.payload(),
        })
    }
}

impl<P: EncodedValue> Preparation<P> {
    /// The message of an initializer up to the arguments, which follow it in the stream.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the arguments are beyond [`Preparation::MAX_ARGS_LEN`].
    pub fn initialize_head(&self) -> Result<Head<WORDS>, FrameError> {
        self.head(INITIALIZE)
    }

    /// The same of a broadcast.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the arguments are beyond [`Preparation::MAX_ARGS_LEN`].
    pub fn broadcast_head(&self) -> Result<Head<WORDS>, FrameError> {
        self.head(BROADCAST)
    }

    fn head(&self, kind: u8) -> Result<Head<WORDS>, FrameError> {
        Head::new(kind, [HEADER, self.entry, self.function], &self.args)
    }
}
