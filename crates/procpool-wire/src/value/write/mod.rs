//! From a value to bytes.

mod encoder;
mod ser;

pub(super) use encoder::{Encoder, wide};
