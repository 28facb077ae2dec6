//! A sequence that travelled as bytes.

use std::cell::Cell;

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::decoder::too_deep;
use super::whole;
use crate::value::MAX_DEPTH;
use crate::value::error::DecodeError;

/// A sequence of `u8`, or a byte string that is read as one.
#[derive(Debug)]
pub(super) struct U8Seq<'de> {
    bytes: &'de [u8],
    read: Cell<usize>,
}

/// The elements of a [`U8Seq`].
///
/// Two words that are moved into their visitor, so that its loop over a `Vec<u8>` has them in registers.
/// How many were read it tells when it is dropped.
#[derive(Debug)]
struct U8Items<'a, 'de> {
    seq: &'a U8Seq<'de>,
    next: usize,
}

impl<'de> U8Seq<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self {
            bytes,
            read: Cell::new(0),
        }
    }

    pub(super) fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if let Some(vector) = whole::bytes::<V>(self.bytes) {
            return Ok(vector);
        }
        let value = visitor.visit_seq(U8Items {
            seq: &self,
            next: 0,
        })?;
        match self.bytes.len() - self.read.get() {
            0 => Ok(value),
            left => Err(DecodeError::new(format_args!(
                "a sequence has {left} elements more than its type takes"
            ))),
        }
    }
}

impl<'de> SeqAccess<'de> for U8Items<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some(&value) = self.seq.bytes.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        seed.deserialize(U8 { value, depth: 0 }).map(Some)
    }

    /// Exact and not merely announced: the bytes are here.
    fn size_hint(&self) -> Option<usize> {
        Some(self.seq.bytes.len() - self.next)
    }
}

impl Drop for U8Items<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        self.seq.read.set(self.next);
    }
}

/// One element of [`U8Items`], in whatever wrapping its type wants it.
#[derive(Debug, Clone, Copy)]
struct U8 {
    value: u8,
    depth: usize,
}

impl U8 {
    /// Wrappings take no bytes, so a recursive one (`struct List(Option<Box<List>>)`) would never
    /// end.
    fn unwrapped(self) -> Result<Self, DecodeError> {
        match self.depth {
            MAX_DEPTH => Err(too_deep()),
            depth => Ok(Self {
                depth: depth + 1,
                ..self
            }),
        }
    }
}

impl<'de> Deserializer<'de> for U8 {
    type Error = DecodeError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_u8(self.value)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self.unwrapped()?)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self.unwrapped()?)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
