//! The decoder as serde's deserializer.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IntoDeserializer, Visitor};

use super::access::{Items, Slots};
use super::decoder::Decoder;
use super::reader::Head;
use super::shape::Shape;
use super::u8_seq::U8Seq;
use super::variant::Variant;
use super::whole;
use crate::value::attachment;
use crate::value::error::DecodeError;
use crate::value::kind::Kind;
use crate::value::shape_form::Form;
use crate::value::tag;

impl<'s, 'de> Decoder<'s, 'de> {
    fn visit<V: Visitor<'de>>(
        &mut self,
        head: Head<'s, 'de>,
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
            Head::Seq(count) => self.visit_seq(Kind::Tagged, count, visitor),
            Head::Column(kind, count) => match whole::vector::<V>(kind, count, &mut self.reader) {
                Some(vector) => Ok(vector),
                None => self.visit_seq(kind, count, visitor),
            },
            Head::Map(count) => self.nested(|decoder| {
                let mut items = Items::new(decoder, Kind::Tagged, count);
                let value = visitor.visit_map(&mut items)?;
                items.finish()?;
                Ok(value)
            }),
            Head::Fields(shape) if shape.form.has_names() => self.nested(|decoder| {
                let mut slots = Slots::new(decoder, shape);
                let value = visitor.visit_map(&mut slots)?;
                slots.finish()?;
                Ok(value)
            }),
            Head::Fields(shape) => self.visit_in_order(shape, visitor),
            // A map of one entry, as serde's buffer expects of an enum.
            Head::Variant => self.visit_variant(None, visitor),
            Head::Shaped(shape) => self.visit_variant(Some(shape), visitor),
        }
    }

    #[inline]
    fn visit_seq<V: Visitor<'de>>(
        &mut self,
        kind: Kind,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|decoder| {
            let mut items = Items::new(decoder, kind, count);
            let value = visitor.visit_seq(&mut items)?;
            items.finish()?;
            Ok(value)
        })
    }

    /// A struct or a tuple without its names.
    #[inline]
    fn visit_in_order<V: Visitor<'de>>(
        &mut self,
        shape: &'s Shape<'de>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|decoder| {
            let mut slots = Slots::new(decoder, shape);
            let value = visitor.visit_seq(&mut slots)?;
            slots.finish()?;
            Ok(value)
        })
    }

    fn visit_variant<V: Visitor<'de>>(
        &mut self,
        shape: Option<&'s Shape<'de>>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|decoder| {
            let mut variant = Variant::new(decoder, shape);
            let value = visitor.visit_map(&mut variant)?;
            variant.finish()?;
            Ok(value)
        })
    }

    #[inline]
    fn visit_enum<V: Visitor<'de>>(
        &mut self,
        shape: Option<&'s Shape<'de>>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|decoder| {
            let due = decoder.variants_due;
            decoder.variants_due += 1;
            let value = visitor.visit_enum(Variant::new(decoder, shape))?;
            if decoder.variants_due == due {
                Ok(value)
            } else {
                Err(DecodeError::new(
                    "the content of an enum variant was not read",
                ))
            }
        })
    }

    /// Apart from what calls it, which is so short that it is best in its callers.
    #[inline(never)]
    fn visit_content<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DecodeError> {
        let head = self.content_head()?;
        self.visit(head, visitor)
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
    ($($method:ident $kind:ident $type:ty;)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
                match self.reader.slot {
                    Kind::$kind => {
                        let value = <$type>::from_le_bytes(self.reader.input.fixed()?);
                        match u64::try_from(value) {
                            Ok(value) => visitor.visit_u64(value),
                            Err(_) => visitor.visit_i64(value as i64),
                        }
                    }
                    Kind::Tagged => match self.reader.input.uint() {
                        Some(value) => visitor.visit_u64(value),
                        None => self.visit_content(visitor),
                    },
                    _ => self.visit_content(visitor),
                }
            }
        )*
    };
}

/// The same for floats.
macro_rules! visit_float {
    ($($method:ident $kind:ident $type:ty, $visit:ident;)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
                if self.reader.slot == Kind::$kind {
                    return visitor.$visit(<$type>::from_le_bytes(self.reader.input.fixed()?));
                }
                if self.reader.slot == Kind::Tagged
                    && let Some(bytes) = self.reader.input.tagged(tag::$kind)
                {
                    return visitor.$visit(<$type>::from_le_bytes(bytes));
                }
                self.visit_content(visitor)
            }
        )*
    };
}

/// The same for strings.
macro_rules! visit_str {
    ($($method:ident)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
                if self.reader.slot == Kind::Tagged
                    && let Some(value) = self.reader.input.str()?
                {
                    return visitor.visit_borrowed_str(value);
                }
                self.visit_content(visitor)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for &mut Decoder<'_, 'de> {
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
        deserialize_u8 U8 u8;
        deserialize_u16 U16 u16;
        deserialize_u32 U32 u32;
        deserialize_u64 U64 u64;
        deserialize_i8 I8 i8;
        deserialize_i16 I16 i16;
        deserialize_i32 I32 i32;
        deserialize_i64 I64 i64;
    }

    visit_float! {
        deserialize_f32 F32 f32, visit_f32;
        deserialize_f64 F64 f64, visit_f64;
    }

    visit_str! {
        deserialize_str deserialize_string
    }

    visit_content! {
        deserialize_u128 deserialize_i128 deserialize_char deserialize_map
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.reader.slot == Kind::Bool {
            match self.reader.input.byte()? {
                0 => visitor.visit_bool(false),
                1 => visitor.visit_bool(true),
                _ => Err(DecodeError::new("a bool is neither 0 nor 1")),
            }
        } else {
            self.visit_content(visitor)
        }
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.reader.slot {
            Kind::Name => visitor.visit_borrowed_str(self.reader.next_name()),
            _ => self.deserialize_str(visitor),
        }
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

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if let Some(count) = self.reader.seq()? {
            return self.visit_seq(Kind::Tagged, count, visitor);
        }
        match self.content_head()? {
            Head::Bytes(bytes) => U8Seq::new(bytes).visit(visitor),
            head => self.visit(head, visitor),
        }
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.reader.fields(|form| !form.has_names()) {
            Some(shape) => self.visit_in_order(shape, visitor),
            None => self.deserialize_seq(visitor),
        }
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.reader.fields(Form::has_names) {
            Some(shape) if shape.is_in_order::<V>(fields) => self.visit_in_order(shape, visitor),
            Some(shape) => self.visit(Head::Fields(shape), visitor),
            None => self.deserialize_map(visitor),
        }
    }

    /// A value that is no option at all counts as its own `Some`, and a unit as `None`, as from
    /// JSON: there are types that write the one and read the other.
    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.reader.peek()? {
            tag::SOME => {
                self.reader.input.byte()?;
                self.nested(|decoder| visitor.visit_some(decoder))
            }
            tag::NONE | tag::UNIT => self.deserialize_any(visitor),
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

    #[inline]
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

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.content_head()? {
            Head::Shaped(shape) => self.visit_enum(Some(shape), visitor),
            Head::Str(variant) => visitor.visit_enum(variant.into_deserializer()),
            Head::Variant => self.visit_enum(None, visitor),
            // What is written as a map of one entry by hand may be read as an enum, as from JSON.
            Head::Map(count) => self.nested(|decoder| {
                let mut items = Items::new(decoder, Kind::Tagged, count);
                let value = visitor.visit_enum(MapAccessDeserializer::new(&mut items))?;
                items.finish()?;
                Ok(value)
            }),
            Head::Fields(shape) if shape.form.has_names() => self.nested(|decoder| {
                let mut slots = Slots::new(decoder, shape);
                let value = visitor.visit_enum(MapAccessDeserializer::new(&mut slots))?;
                slots.finish()?;
                Ok(value)
            }),
            head => self.visit(head, visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.reader.head()? {
            Head::U8Seq(_) => visitor.visit_unit(),
            Head::Column(kind, count) => {
                self.reader.input.bytes(count * kind.width())?;
                visitor.visit_unit()
            }
            head => self.visit(head, visitor),
        }
    }
}
