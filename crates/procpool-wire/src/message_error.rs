//! What is wrong with a message that arrived as a whole frame.

use thiserror::Error;

use crate::frame::FrameError;
use crate::value::DecodeError;

/// A frame whose body is not the message that its kind announces.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum MessageError {
    /// No message has this kind in this direction.
    #[error("no message has the kind {0}")]
    UnknownKind(u8),
    /// The body ends before its fixed fields do.
    #[error("the message ends before its fields do")]
    Truncated,
    /// Something follows a message that has no payload.
    #[error("bytes follow the end of the message")]
    TrailingBytes,
    /// Bytes that are kept for later versions aren't zero.
    #[error("the reserved bytes of a message are not zero")]
    Reserved,
    /// A field holds a number that names nothing.
    #[error("the field `{field}` can't be {found}")]
    UnknownValue {
        /// Which field.
        field: &'static str,
        /// What it holds.
        found: u64,
    },
    /// A part that is encoded as a value can't be decoded.
    #[error("a part of the message can't be decoded")]
    Value(#[from] DecodeError),
}

impl MessageError {
    #[cold]
    pub(crate) fn unknown_value(field: &'static str, found: u8) -> Self {
        MessageError::UnknownValue {
            field,
            found: found.into(),
        }
    }
}

/// Bytes that are no message.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// They are no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// They are a frame whose body is not what its kind announces.
    #[error(transparent)]
    Message(#[from] MessageError),
}
