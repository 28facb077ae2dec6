//! The tiny task.

/// Does next to nothing, so that what is measured is the way there and back.
#[must_use]
pub fn increment(number: u64) -> u64 {
    number.wrapping_add(1)
}
