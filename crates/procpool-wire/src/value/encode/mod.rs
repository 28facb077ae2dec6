//! From a value to bytes.

mod compound;
mod elements;
mod encoder;
mod fields;
mod place;
mod put;
mod ser;
mod shapes;

pub(super) use encoder::Encoder;
pub(super) use put::wide;
