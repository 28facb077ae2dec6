//! A few bytes without an allocation.

use std::fmt;
use std::ops::Deref;

/// Up to [`InlineBytes::MAX_LEN`] bytes without an allocation: enough for most arguments and results of small functions.
#[derive(Clone, Copy)]
pub(crate) struct InlineBytes {
    len: u8,
    bytes: [u8; InlineBytes::MAX_LEN],
}

impl InlineBytes {
    /// As many as fit without making a payload larger than its other forms do: 38.
    pub(crate) const MAX_LEN: usize = 38;

    pub(crate) const EMPTY: Self = InlineBytes {
        len: 0,
        bytes: [0; InlineBytes::MAX_LEN],
    };

    /// `None` if there are too many.
    #[inline]
    pub(crate) fn new(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; InlineBytes::MAX_LEN];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        // It fits, as has just been seen.
        let len = from.len() as u8;
        Some(InlineBytes { len, bytes })
    }

    /// Replaces the bytes. False, and nothing changes, if these are too many.
    #[inline]
    pub(crate) fn fill(&mut self, from: &[u8]) -> bool {
        let Some(place) = self.bytes.get_mut(..from.len()) else {
            return false;
        };
        place.copy_from_slice(from);
        // It fits, as has just been seen.
        self.len = from.len() as u8;
        true
    }
}

impl Deref for InlineBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for InlineBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Payload;

    #[test]
    fn it_holds_what_fits_and_nothing_longer() {
        let bytes: Vec<u8> = (0..).take(InlineBytes::MAX_LEN + 1).collect();
        for len in 0..=InlineBytes::MAX_LEN {
            assert_eq!(*InlineBytes::new(&bytes[..len]).unwrap(), bytes[..len]);
            let mut inline = InlineBytes::new(&bytes[1..]).unwrap();
            assert!(inline.fill(&bytes[..len]));
            assert_eq!(*inline, bytes[..len]);
            assert!(!inline.fill(&bytes));
            assert_eq!(*inline, bytes[..len]);
        }
        assert!(InlineBytes::new(&bytes).is_none());
    }

    /// Very many payloads may wait.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_payload_is_not_larger_for_it() {
        assert_eq!(size_of::<Payload>(), 40);
    }
}
