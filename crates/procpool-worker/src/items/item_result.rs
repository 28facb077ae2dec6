//! The encoded result of one item.

use procpool_wire::{Outcome, ScalarType, frame, value};
use serde::Serialize;

/// Where the result of an item is.
#[derive(Debug, Clone, Copy)]
pub(super) enum ItemResult {
    /// It is this number.
    Scalar(ScalarType, u64),
    /// It is in the buffer that it was encoded to.
    Encoded,
}

/// Encodes a result, unless it is too large for a frame.
#[inline]
pub(super) fn encode<R: Serialize + 'static>(
    result: &R,
    buffer: &mut Vec<u8>,
) -> Result<ItemResult, Outcome> {
    if let Some(kind) = ScalarType::of::<R>() {
        return Ok(ItemResult::Scalar(kind, ScalarType::bits(result)));
    }
    buffer.clear();
    match value::encode(result, buffer) {
        Ok(()) if buffer.len() <= frame::MAX_BODY_LEN => Ok(ItemResult::Encoded),
        Ok(()) => Err(Outcome::ResultRefused(format!(
            "it takes {} bytes, the limit is {}",
            buffer.len(),
            frame::MAX_BODY_LEN
        ))),
        Err(error) => Err(Outcome::ResultRefused(error.to_string())),
    }
}
