//! The error of converting a number to a priority.

use thiserror::Error;

/// The error of converting a number that is no [`Priority`](crate::Priority).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "priority {0} is out of range: it is a number from -2 (lowest) to 2 (highest), and 0 is normal"
)]
pub struct PriorityOutOfRange(pub(crate) i64);
