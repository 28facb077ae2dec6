//! Vectors of bytes, which serde hands over as sequences of single numbers, copied as a whole.

mod byte;
mod whole;

pub(super) use byte::{Place, is_byte};
pub(super) use whole::vector;
