//! From bytes to a value.

mod access;
mod de;
mod decoder;
mod reader;

pub(super) use decoder::Decoder;
