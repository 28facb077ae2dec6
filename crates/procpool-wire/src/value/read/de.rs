//! From bytes to a value.

use serde::de::{Deserializer, IntoDeserializer, Visitor};

use super::access::{Items, Tagged, U8Seq};
use super::decoder::Decoder;
use super::reader::Head;
use crate::value::attachment;
use crate::value::error::DecodeError;
use crate::value::tag;

impl<'de> Decoder<'de> {
    #[inline]
    fn visit<V: Visitor<'de>>(
        &mut self,
        head: Head<'de>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match head {
            Head::Uint(value) => visitor.visit_u64(value),
            Head::Int(value) => visitor.visit_i64(value),
            Head::U128(value) => visitor.visit_u128(value),
            Head::I128(value) => visitor.visit_i128(value),
            Head::F32(value) => visitor.visit_f32(value),
            Head::F64(value) => visitor.visit_f64(value),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Char(value) => visitor.visit_char(value),
            Head::Str(value) => visitor.visit_borrowed_str(value),
            Head::Bytes(value) => visitor.visit_borrowed_bytes(value),
            Head::U8Seq(bytes) => U8Seq::new(bytes).visit(visitor),
            Head::Unit => visitor.visit_unit(),
            Head::None => visitor.visit_none(),
            // Kept apart from its content, or serde's buffer would turn `Some(None)` into `None`.
            Head::Some => self.nested(|decoder| visitor.visit_some(decoder)),
            Head::Seq => self.nested(|decoder| {
                let mut items = Items::new(decoder);
                let value = visitor.visit_seq(&mut items)?;
                items.finish()?;
                Ok(value)
            }),
            Head::Map => self.nested(|decoder| {
                let mut items = Items::new(decoder);
                let value = visitor.visit_map(&mut items)?;
                items.finish()?;
                Ok(value)
            }),
            // A map of one entry, as serde's buffer expects of an enum.
            Head::Variant => self.nested(|decoder| {
                let mut tagged = Tagged::new(decoder);
                let value = visitor.visit_map(&mut tagged)?;
                tagged.finish()?;
                Ok(value)
            }),
        }
    }

    /// Apart from what calls it, which is so short that it is best in its callers.
    #[inline(never)]
    fn visit_content<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DecodeError> {
        let head = self.content_head()?;
        self.visit(head, visitor)
    }

    fn visit_enum<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DecodeError> {
        self.nested(|decoder| {
            let due = decoder.variants_due;
            decoder.variants_due += 1;
            let value = visitor.visit_enum(Tagged::new(decoder))?;
            if decoder.variants_due == due {
                Ok(value)
            } else {
                Err(DecodeError::new(
                    "the content of an enum variant was not read",
                ))
            }
        })
    }
}

/// Methods whose hint adds nothing to what the bytes say.
macro_rules! visit_content {
    ($($method:ident)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
                let head = self.content_head()?;
                self.visit(head, visitor)
            }
        )*
    };
}

/// As [`visit_content`], with a short way for what most often comes.
macro_rules! visit_integer {
    ($($method:ident)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
                match self.reader.uint() {
                    Some(value) => visitor.visit_u64(value),
                    None => self.visit_content(visitor),
                }
            }
        )*
    };
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = DecodeError;

    /// See the module's documentation for why.
    fn is_human_readable(&self) -> bool {
        true
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let head = self.reader.head()?;
        self.visit(head, visitor)
    }

    visit_integer! {
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.reader.f64() {
            Some(value) => visitor.visit_f64(value),
            None => self.visit_content(visitor),
        }
    }

    visit_content! {
        deserialize_u128 deserialize_i128
        deserialize_f32 deserialize_bool deserialize_char
        deserialize_str deserialize_string deserialize_identifier deserialize_map
    }

    /// What asks for bytes takes a string's and a `u8` sequence's too, as from JSON.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content_head()? {
            Head::Bytes(bytes) | Head::U8Seq(bytes) => visitor.visit_borrowed_bytes(bytes),
            Head::Str(str) => visitor.visit_borrowed_bytes(str.as_bytes()),
            head => self.visit(head, visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content_head()? {
            Head::Bytes(bytes) => U8Seq::new(bytes).visit(visitor),
            head => self.visit(head, visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }

    /// A value that is no option at all counts as its own `Some`, and a unit as `None`, as from
    /// JSON: there are types that write the one and read the other.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.reader.peek()? {
            tag::NONE | tag::SOME | tag::UNIT => self.deserialize_any(visitor),
            _ => self.nested(|decoder| visitor.visit_some(decoder)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.content_head()? {
            Head::None => visitor.visit_unit(),
            head => self.visit(head, visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == attachment::NAME
            && let Some(attached) = self.reader.attachment()?
        {
            return attachment::give(attached.clone(), || visitor.visit_unit());
        }
        // No byte is read here, so a type that contains only itself would never end.
        self.nested(|decoder| visitor.visit_newtype_struct(decoder))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.content_head()? {
            Head::Str(variant) => visitor.visit_enum(variant.into_deserializer()),
            Head::Variant => self.visit_enum(visitor),
            // What is written as a map of one entry by hand may be read as an enum, as from JSON.
            Head::Map => {
                let value = self.visit_enum(visitor)?;
                Items::new(self).finish()?;
                Ok(value)
            }
            head => self.visit(head, visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.reader.head()? {
            Head::U8Seq(_) => visitor.visit_unit(),
            head => self.visit(head, visitor),
        }
    }
}
