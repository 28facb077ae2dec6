//! Bytes that have not been read yet, and the scalars at their front.

use crate::value::error::DecodeError;
use crate::value::tag;

/// The bytes that have not been read yet.
#[derive(Debug)]
pub(super) struct Input<'de> {
    pub(super) rest: &'de [u8],
}

impl<'de> Input<'de> {
    #[inline]
    pub(super) fn new(rest: &'de [u8]) -> Self {
        Self { rest }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// So many of the bytes that come next, which stay unread.
    #[inline]
    pub(super) fn next(&self, len: usize) -> Option<&'de [u8]> {
        self.rest.get(..len)
    }

    /// The next value, if it is tagged as an integer from 0 on of 64 bits at most; nothing is read if it is not.
    ///
    /// A reader's head gives the same. This is a shorter way, for callers that expect such a value.
    #[inline]
    pub(super) fn uint(&mut self) -> Option<u64> {
        let (&tag, rest) = self.rest.split_first()?;
        // In this order, and not as a table of jumps, which takes longer than all else here.
        let (value, rest) = if tag <= tag::SMALL_UINT_MAX {
            (tag.into(), rest)
        } else if tag == tag::U32 {
            first(rest, |bytes| u32::from_le_bytes(bytes).into())?
        } else if tag == tag::U16 {
            first(rest, |bytes| u16::from_le_bytes(bytes).into())?
        } else if tag == tag::U8 {
            first(rest, |bytes| u8::from_le_bytes(bytes).into())?
        } else if tag == tag::U64 {
            first(rest, u64::from_le_bytes)?
        } else {
            return None;
        };
        self.rest = rest;
        Some(value)
    }

    /// As [`uint`](Self::uint), for a scalar behind this tag.
    #[inline]
    pub(super) fn tagged<const N: usize>(&mut self, tag: u8) -> Option<[u8; N]> {
        let (&found, rest) = self.rest.split_first()?;
        if found != tag {
            return None;
        }
        let (&bytes, rest) = rest.split_first_chunk()?;
        self.rest = rest;
        Some(bytes)
    }

    /// As [`uint`](Self::uint), for a string.
    #[inline]
    pub(super) fn str(&mut self) -> Result<Option<&'de str>, DecodeError> {
        let Some((&tag, rest)) = self.rest.split_first() else {
            return Err(cut_short());
        };
        let len = match tag {
            tag::SMALL_STR..=tag::SMALL_STR_MAX => usize::from(tag - tag::SMALL_STR),
            tag::STR => {
                self.rest = rest;
                let len = self.len()?;
                return self.utf8(len).map(Some);
            }
            _ => return Ok(None),
        };
        self.rest = rest;
        self.utf8(len).map(Some)
    }

    /// A length.
    #[inline]
    pub(super) fn len(&mut self) -> Result<usize, DecodeError> {
        if let Some((&len @ 0..=tag::SMALL_UINT_MAX, rest)) = self.rest.split_first() {
            self.rest = rest;
            return Ok(len.into());
        }
        self.long_len()
    }

    fn long_len(&mut self) -> Result<usize, DecodeError> {
        let len = match self.byte()? {
            tag::U8 => self.byte()?.into(),
            tag::U16 => u16::from_le_bytes(self.fixed()?).into(),
            tag::U32 => u32::from_le_bytes(self.fixed()?).into(),
            tag::U64 => u64::from_le_bytes(self.fixed()?),
            _ => return Err(DecodeError::new("a length is not a non-negative integer")),
        };
        // A length that the address space cannot hold is longer than the rest, too.
        usize::try_from(len).map_err(|_| cut_short())
    }

    /// A string, and nothing else.
    pub(super) fn name(&mut self) -> Result<&'de str, DecodeError> {
        self.str()?
            .ok_or_else(|| DecodeError::new("a name is no string"))
    }

    pub(super) fn utf8(&mut self, len: usize) -> Result<&'de str, DecodeError> {
        std::str::from_utf8(self.bytes(len)?)
            .map_err(|error| DecodeError::new(format_args!("a string is not UTF-8: {error}")))
    }

    pub(super) fn char(&mut self) -> Result<char, DecodeError> {
        let code = u32::from_le_bytes(self.fixed()?);
        char::from_u32(code).ok_or_else(|| DecodeError::new("a char is not a Unicode scalar"))
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&byte, rest) = self.rest.split_first().ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (&bytes, rest) = self.rest.split_first_chunk().ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    pub(super) fn bytes(&mut self, len: usize) -> Result<&'de [u8], DecodeError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(bytes)
    }
}

#[inline]
fn first<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> u64) -> Option<(u64, &[u8])> {
    let (&value, rest) = bytes.split_first_chunk()?;
    Some((read(value), rest))
}

#[cold]
pub(super) fn cut_short() -> DecodeError {
    DecodeError::new("the bytes end in the middle of a value")
}
