//! From bytes to a value.

mod access;
mod de;
mod decoder;
mod input;
mod reader;
mod shape;
mod u8_seq;
mod variant;
mod whole;

pub(super) use decoder::Decoder;
