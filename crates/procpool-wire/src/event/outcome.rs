//! What came of a task or an item.

use crate::{MessageError, PanicReport, Payload, value};

/// What came of a task whose worker lives on.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The function returned: its encoded result.
    Returned(Payload),
    /// The function panicked.
    Panicked(PanicReport),
    /// The arguments can't be decoded; the function was not called.
    ArgsRefused(String),
    /// The function returned a value that can't be encoded.
    ResultRefused(String),
    /// The offsets name no function of this executable.
    NoSuchFunction(String),
}

/// The number of [`Outcome::Returned`] in a message.
pub(crate) const RETURNED: u8 = 0;
const PANICKED: u8 = 1;
const ARGS_REFUSED: u8 = 2;
const RESULT_REFUSED: u8 = 3;
const NO_SUCH_FUNCTION: u8 = 4;

impl Outcome {
    /// Its number in a message, and what follows.
    pub(crate) fn encode(&self) -> (u8, Payload) {
        match self {
            Outcome::Returned(result) => (RETURNED, result.clone()),
            Outcome::Panicked(report) => (PANICKED, value::encode_own(report).into()),
            Outcome::ArgsRefused(why) => (ARGS_REFUSED, value::encode_own(why).into()),
            Outcome::ResultRefused(why) => (RESULT_REFUSED, value::encode_own(why).into()),
            Outcome::NoSuchFunction(why) => (NO_SUCH_FUNCTION, value::encode_own(why).into()),
        }
    }

    pub(crate) fn decode(number: u8, payload: Payload) -> Result<Self, MessageError> {
        Ok(match number {
            RETURNED => Outcome::Returned(payload),
            PANICKED => Outcome::Panicked(payload.decode()?),
            ARGS_REFUSED => Outcome::ArgsRefused(payload.decode()?),
            RESULT_REFUSED => Outcome::ResultRefused(payload.decode()?),
            NO_SUCH_FUNCTION => Outcome::NoSuchFunction(payload.decode()?),
            found => return Err(MessageError::unknown_value("outcome", found)),
        })
    }

    /// As [`decode`](Outcome::decode), of an item that has no result. A result has a message of its own.
    pub(crate) fn decode_failure(number: u8, payload: Payload) -> Result<Self, MessageError> {
        match number {
            RETURNED => Err(MessageError::unknown_value("outcome", RETURNED)),
            number => Outcome::decode(number, payload),
        }
    }
}
