//! The parts of sequences, maps and enum variants.

use std::cell::Cell;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::decoder::{Decoder, too_deep};
use crate::value::error::DecodeError;
use crate::value::max_depth::MAX_DEPTH;
use crate::value::vec_u8;

/// The items of a sequence, or keys and values of a map in turn, up to the end mark.
#[derive(Debug)]
pub(in crate::value) struct Items<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    ended: bool,
    value_due: bool,
}

/// A name and one value: an enum's variant with content, or a map of one entry.
#[derive(Debug)]
pub(in crate::value) struct Tagged<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    name_read: bool,
    value_read: bool,
}

/// A sequence that travelled as bytes.
#[derive(Debug)]
pub(in crate::value) struct U8Seq<'de> {
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

impl<'a, 'de> Items<'a, 'de> {
    pub(in crate::value) fn new(decoder: &'a mut Decoder<'de>) -> Self {
        Self {
            decoder,
            ended: false,
            value_due: false,
        }
    }

    #[inline]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if self.ended || self.decoder.reader.end()? {
            self.ended = true;
            return Ok(None);
        }
        self.decoder.part(seed).map(Some)
    }

    /// Fails if the visitor stopped before the end: the rest must not be lost without a word.
    pub(in crate::value) fn finish(self) -> Result<(), DecodeError> {
        if self.value_due {
            Err(DecodeError::new("the value of a map's entry was not read"))
        } else if self.ended || self.decoder.reader.end()? {
            Ok(())
        } else {
            Err(DecodeError::new(
                "a sequence or map has more elements than its type takes",
            ))
        }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        self.next(seed)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        if self.value_due {
            return Err(DecodeError::new("the value of a map's entry was not read"));
        }
        let key = self.next(seed)?;
        self.value_due = key.is_some();
        Ok(key)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        self.value_due = false;
        self.decoder.part(seed)
    }
}

impl<'a, 'de> Tagged<'a, 'de> {
    pub(in crate::value) fn new(decoder: &'a mut Decoder<'de>) -> Self {
        Self {
            decoder,
            name_read: false,
            value_read: false,
        }
    }

    /// Fails if a visitor that took the variant for a map left it unread.
    pub(in crate::value) fn finish(self) -> Result<(), DecodeError> {
        if self.value_read {
            Ok(())
        } else {
            Err(DecodeError::new("an enum variant was not read to its end"))
        }
    }
}

impl<'de> MapAccess<'de> for Tagged<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        if self.name_read {
            return Ok(None);
        }
        self.name_read = true;
        self.decoder.part(seed).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        self.value_read = true;
        self.decoder.part(seed)
    }
}

impl<'de> EnumAccess<'de> for Tagged<'_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), DecodeError> {
        let variant = self.decoder.part(seed)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Tagged<'_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        self.decoder.variants_due -= 1;
        <()>::deserialize(self.decoder)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        self.decoder.variants_due -= 1;
        self.decoder.part(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.decoder.variants_due -= 1;
        self.decoder.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.decoder.variants_due -= 1;
        self.decoder.deserialize_struct("", fields, visitor)
    }
}

impl<'de> U8Seq<'de> {
    pub(in crate::value) fn new(bytes: &'de [u8]) -> Self {
        Self {
            bytes,
            read: Cell::new(0),
        }
    }

    pub(in crate::value) fn visit<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if let Some(vector) = vec_u8::vector::<V>(self.bytes) {
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

/// One element of [`U8Items`], as a number, an option or a newtype, as its type asks for it.
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
