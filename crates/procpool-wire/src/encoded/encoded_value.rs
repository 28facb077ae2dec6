//! One encoded value at the end of a message, in whatever form its bytes are kept.

use crate::value::Prefix;

/// One encoded value that follows the head of its message: a [`Payload`](crate::Payload), or a slice of bytes where
/// they are.
///
/// Messages are generic over it, so that a message has one layout whether its value is large or is sent from the
/// buffer in which it was encoded.
pub trait EncodedValue {
    /// What comes before [`bytes`](EncodedValue::bytes) in the encoding, if anything.
    fn prefix(&self) -> Prefix;

    /// The encoding, behind its prefix.
    fn bytes(&self) -> &[u8];
}

impl EncodedValue for [u8] {
    #[inline]
    fn prefix(&self) -> Prefix {
        Prefix::default()
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self
    }
}

impl<T: EncodedValue + ?Sized> EncodedValue for &T {
    #[inline]
    fn prefix(&self) -> Prefix {
        (**self).prefix()
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        (**self).bytes()
    }
}
