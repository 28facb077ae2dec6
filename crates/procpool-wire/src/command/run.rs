//! One task, sent to one worker.

use crate::fields::{Fields, split_words};
use crate::frame::{self, FrameError};
use crate::head::{HEADER, Head};
use crate::kind::RUN;
use crate::{DispatchId, EncodedValue, FrameBuffer, Limits, MessageError, Payload};

/// One task, sent to one worker.
///
/// Its arguments are a [`Payload`], a reference to one, or a slice of the bytes where they are: there may be very many
/// small tasks, and then each copy counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run<P = Payload> {
    /// Where on the control page the worker claims it, and by what number.
    pub dispatch_id: DispatchId,
    /// Offset of the function that decodes, calls and encodes.
    pub entry: u64,
    /// Offset of the user's function.
    pub function: u64,
    /// What the task may use.
    pub limits: Limits,
    /// The encoded arguments.
    pub args: P,
}

/// Words of the message before the arguments.
const WORDS: usize = 1 + FIELDS;

const FIELDS: usize = 6;

impl Run {
    /// Bytes of the message before the arguments.
    pub const HEAD_LEN: usize = WORDS * size_of::<u64>();

    /// Most bytes that the arguments of a task may take.
    pub const MAX_ARGS_LEN: usize = frame::HEADER_LEN + frame::MAX_BODY_LEN - Self::HEAD_LEN;

    pub(crate) fn decode(mut fields: Fields) -> Result<Self, MessageError> {
        let words = fields.words()?;
        Run::of_fields(words, fields.payload())
    }

    /// Takes the next message if it is a small task, and hands it to `handle` without a copy of its arguments. `None`, and
    /// nothing is taken, if it is another message, is not there as a whole, or is broken:
    /// [`Command::take`](crate::Command::take) takes it then.
    #[inline]
    pub fn take_small<T>(
        buffer: &mut FrameBuffer,
        handle: impl FnOnce(Run<&[u8]>) -> T,
    ) -> Option<T> {
        buffer.take_short(RUN, |body| {
            let (fields, args) = split_words(body).ok()?;
            Some(handle(Run::of_fields(fields, args).ok()?))
        })
    }
}

impl<P> Run<P> {
    /// The same task with other arguments.
    #[inline]
    #[must_use]
    pub fn with_args<Q>(&self, args: Q) -> Run<Q> {
        Run {
            dispatch_id: self.dispatch_id,
            entry: self.entry,
            function: self.function,
            limits: self.limits,
            args,
        }
    }

    #[inline]
    fn of_fields(fields: [u64; FIELDS], args: P) -> Result<Self, MessageError> {
        let [number, slot, entry, function, cpu_time, memory] = fields;
        Ok(Run {
            dispatch_id: DispatchId::of_words([number, slot])?,
            entry,
            function,
            limits: Limits::of_words([cpu_time, memory]),
            args,
        })
    }
}

impl<P: EncodedValue> Run<P> {
    /// The message up to the arguments, which follow it in the stream: apart from them, so that large ones needn't be
    /// copied to be sent.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the arguments are beyond [`Run::MAX_ARGS_LEN`].
    #[inline]
    pub fn head(&self) -> Result<Head<WORDS>, FrameError> {
        let [number, slot] = self.dispatch_id.words();
        let [cpu_time, memory] = self.limits.words();
        let words = [
            HEADER,
            number,
            slot,
            self.entry,
            self.function,
            cpu_time,
            memory,
        ];
        Head::new(RUN, words, &self.args)
    }
}
