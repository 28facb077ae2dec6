//! What one item returned.

use serde::de::DeserializeOwned;

use crate::ScalarType;
use crate::value::{self, DecodeError};

/// What an item returned, as it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemResult<'a> {
    /// A scalar, without any encoding.
    Scalar(ScalarType, &'a [u8]),
    /// A value in the format of [`value`].
    Encoded(&'a [u8]),
}

impl ItemResult<'_> {
    /// The value.
    ///
    /// # Errors
    /// It is none of this type.
    ///
    /// ```
    /// use procpool_wire::{ItemResult, ScalarType};
    /// let seven: u16 = ItemResult::Scalar(ScalarType::U16, &[7, 0]).decode()?;
    /// assert_eq!(seven, 7);
    /// assert!(ItemResult::Scalar(ScalarType::U16, &[7, 0]).decode::<u32>().is_err());
    /// # Ok::<(), procpool_wire::value::DecodeError>(())
    /// ```
    pub fn decode<T: DeserializeOwned + 'static>(self) -> Result<T, DecodeError> {
        match self {
            ItemResult::Scalar(kind, bytes) => {
                let value = kind.read(bytes).and_then(|bits| kind.value(bits));
                value.ok_or_else(|| DecodeError::new("it is a number of another type"))
            }
            ItemResult::Encoded(bytes) => value::decode(bytes),
        }
    }
}
