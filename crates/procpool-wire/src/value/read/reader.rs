//! From bytes to the head of a value: its tag and what stands right behind it.

use crate::value::attachment::Attachment;
use crate::value::error::DecodeError;
use crate::value::tag;

/// What has not been read yet.
#[derive(Debug)]
pub(in crate::value) struct Reader<'de> {
    rest: &'de [u8],
    attached: &'de [Attachment],
}

/// A whole scalar, or the beginning of what has parts.
#[derive(Debug, Clone, Copy)]
pub(in crate::value) enum Head<'de> {
    Uint(u64),
    Int(i64),
    U128(u128),
    I128(i128),
    F32(f32),
    F64(f64),
    Bool(bool),
    Char(char),
    Str(&'de str),
    Bytes(&'de [u8]),
    U8Seq(&'de [u8]),
    Unit,
    None,
    Some,
    Seq,
    Map,
    Variant,
}

impl<'de> Reader<'de> {
    #[inline]
    pub(in crate::value) fn new(bytes: &'de [u8], attached: &'de [Attachment]) -> Self {
        Self {
            rest: bytes,
            attached,
        }
    }

    /// The next value, if it is an attachment and no other.
    pub(in crate::value) fn attachment(&mut self) -> Result<Option<&'de Attachment>, DecodeError> {
        if self.peek()? != tag::ATTACHMENT {
            return Ok(None);
        }
        self.byte()?;
        self.attached().map(Some)
    }

    fn attached(&mut self) -> Result<&'de Attachment, DecodeError> {
        let index = self.len()?;
        let attachment = self.attached.get(index);
        attachment.ok_or_else(|| DecodeError::new("what is shared did not come with the value"))
    }

    #[inline]
    pub(in crate::value) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Makes every later read fail, so that nobody reads on from the middle of a value that failed.
    pub(in crate::value) fn poison(&mut self) {
        self.rest = &[];
    }

    /// The tag of the next value, which stays unread.
    #[inline]
    pub(in crate::value) fn peek(&self) -> Result<u8, DecodeError> {
        self.rest.first().copied().ok_or_else(cut_short)
    }

    /// Reads an end mark, if one is next.
    #[inline]
    pub(in crate::value) fn end(&mut self) -> Result<bool, DecodeError> {
        match self.rest.split_first() {
            Some((&tag::END, rest)) => {
                self.rest = rest;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Err(cut_short()),
        }
    }

    /// The next value, if it is an integer from 0 on of 64 bits at most; nothing is read if it is not.
    ///
    /// The [`head`](Self::head) gives the same. This is a shorter way for a caller that expects such a value, as most do.
    #[inline]
    pub(in crate::value) fn uint(&mut self) -> Option<u64> {
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

    /// As [`uint`](Self::uint), for a float of 64 bits.
    #[inline]
    pub(in crate::value) fn f64(&mut self) -> Option<f64> {
        let (&tag, rest) = self.rest.split_first()?;
        if tag != tag::F64 {
            return None;
        }
        let (&bytes, rest) = rest.split_first_chunk()?;
        self.rest = rest;
        Some(f64::from_bits(u64::from_le_bytes(bytes)))
    }

    #[inline]
    pub(in crate::value) fn head(&mut self) -> Result<Head<'de>, DecodeError> {
        let tag = self.byte()?;
        Ok(match tag {
            0..=tag::SMALL_UINT_MAX => Head::Uint(tag.into()),
            tag::SMALL_NEG..=tag::SMALL_NEG_MAX => {
                Head::Int(i64::from(tag) - i64::from(tag::SMALL_STR))
            }
            tag::SMALL_STR..=tag::SMALL_STR_MAX => self.str(usize::from(tag - tag::SMALL_STR))?,
            tag::UNIT => Head::Unit,
            tag::NONE => Head::None,
            tag::SOME => Head::Some,
            tag::FALSE => Head::Bool(false),
            tag::TRUE => Head::Bool(true),
            tag::U8 => Head::Uint(self.byte()?.into()),
            tag::U16 => Head::Uint(u16::from_le_bytes(self.fixed()?).into()),
            tag::U32 => Head::Uint(u32::from_le_bytes(self.fixed()?).into()),
            tag::U64 => Head::Uint(u64::from_le_bytes(self.fixed()?)),
            tag::U128 => Head::U128(u128::from_le_bytes(self.fixed()?)),
            tag::I8 => Head::Int(i8::from_le_bytes(self.fixed()?).into()),
            tag::I16 => Head::Int(i16::from_le_bytes(self.fixed()?).into()),
            tag::I32 => Head::Int(i32::from_le_bytes(self.fixed()?).into()),
            tag::I64 => Head::Int(i64::from_le_bytes(self.fixed()?)),
            tag::I128 => Head::I128(i128::from_le_bytes(self.fixed()?)),
            tag::F32 => Head::F32(f32::from_bits(u32::from_le_bytes(self.fixed()?))),
            tag::F64 => Head::F64(f64::from_bits(u64::from_le_bytes(self.fixed()?))),
            tag::CHAR => {
                let code = u32::from_le_bytes(self.fixed()?);
                Head::Char(
                    char::from_u32(code)
                        .ok_or_else(|| DecodeError::new("a char is not a Unicode scalar"))?,
                )
            }
            tag::STR => {
                let len = self.len()?;
                self.str(len)?
            }
            tag::BYTES => {
                let len = self.len()?;
                Head::Bytes(self.bytes(len)?)
            }
            tag::ATTACHMENT => Head::Bytes(self.attached()?.bytes()),
            tag::U8_SEQ => {
                let len = self.len()?;
                Head::U8Seq(self.bytes(len)?)
            }
            tag::SEQ => Head::Seq,
            tag::MAP => Head::Map,
            tag::VARIANT => Head::Variant,
            tag::END => return Err(DecodeError::new("an end mark stands in place of a value")),
            _ => {
                return Err(DecodeError::new(format_args!(
                    "no value starts with the byte {tag:#04x}"
                )));
            }
        })
    }

    /// A length is read without the detour over [`Self::head`], which would recurse.
    fn len(&mut self) -> Result<usize, DecodeError> {
        let len = match self.byte()? {
            len @ 0..=tag::SMALL_UINT_MAX => len.into(),
            tag::U8 => self.byte()?.into(),
            tag::U16 => u16::from_le_bytes(self.fixed()?).into(),
            tag::U32 => u32::from_le_bytes(self.fixed()?).into(),
            tag::U64 => u64::from_le_bytes(self.fixed()?),
            _ => return Err(DecodeError::new("a length is not a non-negative integer")),
        };
        // A length that the address space cannot hold is longer than the rest, too.
        usize::try_from(len).map_err(|_| cut_short())
    }

    fn str(&mut self, len: usize) -> Result<Head<'de>, DecodeError> {
        match std::str::from_utf8(self.bytes(len)?) {
            Ok(str) => Ok(Head::Str(str)),
            Err(error) => Err(DecodeError::new(format_args!(
                "a string is not UTF-8: {error}"
            ))),
        }
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&byte, rest) = self.rest.split_first().ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (&bytes, rest) = self.rest.split_first_chunk().ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn bytes(&mut self, len: usize) -> Result<&'de [u8], DecodeError> {
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
fn cut_short() -> DecodeError {
    DecodeError::new("the bytes end in the middle of a value")
}
