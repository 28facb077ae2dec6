//! Encoded values: how they are kept and how they stand in a message.

mod content;
mod encoded_value;
mod encoding;
mod inline_bytes;
mod payload;

pub use encoded_value::EncodedValue;
pub use encoding::Encoding;
pub use payload::Payload;
