//! Why a value could not be encoded or decoded.

use std::error::Error;
use std::fmt;

/// A value that cannot be encoded: it is nested too deeply, or its `Serialize` implementation
/// refused.
///
/// Displays as one line.
#[derive(Clone)]
pub struct EncodeError {
    message: Box<str>,
}

/// Bytes that are not one whole value of the type asked for.
///
/// Displays as one line.
#[derive(Clone)]
pub struct DecodeError {
    message: Box<str>,
}

impl EncodeError {
    pub(super) fn new(message: impl fmt::Display) -> Self {
        Self {
            message: one_line(message),
        }
    }
}

impl DecodeError {
    #[cold]
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self {
            message: one_line(message),
        }
    }
}

/// Messages of user code may span lines, and a log must not.
fn one_line(message: impl fmt::Display) -> Box<str> {
    let message = message.to_string();
    if message.contains(char::is_control) {
        message.replace(char::is_control, " ").into()
    } else {
        message.into()
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EncodeError").field(&self.message).finish()
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DecodeError").field(&self.message).finish()
    }
}

impl Error for EncodeError {}

impl Error for DecodeError {}

impl serde::ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}
