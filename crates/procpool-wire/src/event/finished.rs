//! The end of one task.

use std::time::Duration;

use super::outcome::RETURNED;
use crate::fields::{Fields, split_words};
use crate::frame::{self, FrameError};
use crate::head::{HEADER, Head};
use crate::kind::FINISHED;
use crate::{DispatchId, EncodedValue, FrameBuffer, MessageError, Outcome};

/// The end of one task.
///
/// What came of it is an [`Outcome`], or, if it is known that the function returned, its encoded result: a
/// [`Payload`](crate::Payload), a reference to one, or a slice of the bytes where they are. There may be very many small
/// results, and then each copy counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished<T = Outcome> {
    /// Which dispatch.
    pub dispatch_id: DispatchId,
    /// How long decoding, running and encoding took together.
    pub ran: Duration,
    /// The worker has grown beyond its limit, and should be replaced.
    pub needs_recycle: bool,
    /// What came of it.
    pub outcome: T,
}

/// Words of the message before the payload.
const WORDS: usize = 1 + FIELDS;

const FIELDS: usize = 4;

impl Finished {
    /// Bytes of the message before the payload.
    pub const HEAD_LEN: usize = WORDS * size_of::<u64>();

    /// Most bytes that the result of a task may take.
    pub const MAX_RESULT_LEN: usize = frame::HEADER_LEN + frame::MAX_BODY_LEN - Self::HEAD_LEN;

    /// Appends the whole message.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the payload is beyond [`Finished::MAX_RESULT_LEN`].
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let (outcome, payload) = self.outcome.encode();
        self.head_of(outcome, &payload)?.put_with(&payload, out);
        Ok(())
    }

    pub(crate) fn decode(mut fields: Fields) -> Result<Self, MessageError> {
        let (outcome, finished) = Finished::of_fields(fields.words()?)?;
        let outcome = Outcome::decode(outcome, fields.payload())?;
        Ok(finished.with_outcome(outcome))
    }

    /// Takes the next message if it is the end of a task with a small result, and hands it to `handle` without a copy of
    /// the result. `None`, and nothing is taken, if it is another message, is not there as a whole, or is broken:
    /// [`Event::take`](crate::Event::take) takes it then.
    #[inline]
    pub fn take_small<T>(
        buffer: &mut FrameBuffer,
        handle: impl FnOnce(Finished<&[u8]>) -> T,
    ) -> Option<T> {
        buffer.take_short(FINISHED, |body| {
            let (fields, result) = split_words(body).ok()?;
            match Finished::of_fields(fields).ok()? {
                (RETURNED, finished) => Some(handle(finished.with_outcome(result))),
                _ => None,
            }
        })
    }
}

impl<P: EncodedValue> Finished<P> {
    /// The message of a function that returned, up to the result, which follows it in the stream.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if the result is beyond [`Finished::MAX_RESULT_LEN`].
    #[inline]
    pub fn head(&self) -> Result<Head<WORDS>, FrameError> {
        self.head_of(RETURNED, &self.outcome)
    }
}

impl<T> Finished<T> {
    /// The same end with another outcome.
    #[inline]
    #[must_use]
    pub fn with_outcome<U>(&self, outcome: U) -> Finished<U> {
        Finished {
            dispatch_id: self.dispatch_id,
            ran: self.ran,
            needs_recycle: self.needs_recycle,
            outcome,
        }
    }

    #[inline]
    fn head_of(&self, outcome: u8, payload: impl EncodedValue) -> Result<Head<WORDS>, FrameError> {
        let [number, slot] = self.dispatch_id.words();
        let ran = u64::try_from(self.ran.as_nanos()).unwrap_or(u64::MAX);
        let end = u64::from(outcome) | u64::from(self.needs_recycle) << 8;
        Head::new(FINISHED, [HEADER, number, slot, ran, end], payload)
    }
}

impl Finished<()> {
    /// The fields, and the number of the outcome.
    #[inline]
    fn of_fields([number, slot, ran, end]: [u64; FIELDS]) -> Result<(u8, Self), MessageError> {
        let [outcome, needs_recycle, reserved @ ..] = end.to_le_bytes();
        let dispatch_id = DispatchId::of_words([number, slot])?;
        if needs_recycle > 1 {
            return Err(MessageError::unknown_value("needs_recycle", needs_recycle));
        }
        if reserved != [0; 6] {
            return Err(MessageError::Reserved);
        }
        let finished = Finished {
            dispatch_id,
            ran: Duration::from_nanos(ran),
            needs_recycle: needs_recycle == 1,
            outcome: (),
        };
        Ok((outcome, finished))
    }
}
