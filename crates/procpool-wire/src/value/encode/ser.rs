//! The encoder as serde's serializer.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::compound::{Compound, Open};
use super::encoder::Encoder;
use super::put::{put_fixed, put_int, put_uint};
use super::shapes::Key;
use crate::value::attachment;
use crate::value::error::EncodeError;
use crate::value::kind::Kind;
use crate::value::shape_form::Form;
use crate::value::tag;

/// Tuples of more elements are arrays, which are written as sequences are.
const TUPLE_MAX: usize = 12;

impl<'e, 'o> Serializer for &'e mut Encoder<'o> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Compound<'e, 'o>;
    type SerializeTuple = Compound<'e, 'o>;
    type SerializeTupleStruct = Compound<'e, 'o>;
    type SerializeTupleVariant = Compound<'e, 'o>;
    type SerializeMap = Compound<'e, 'o>;
    type SerializeStruct = Compound<'e, 'o>;
    type SerializeStructVariant = Compound<'e, 'o>;

    /// See the module's documentation for why.
    fn is_human_readable(&self) -> bool {
        true
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<(), EncodeError> {
        self.scalar(Kind::U8, value.to_le_bytes(), |out| {
            put_uint(out, value.into())
        });
        Ok(())
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<(), EncodeError> {
        self.scalar(Kind::U16, value.to_le_bytes(), |out| {
            put_uint(out, value.into())
        });
        Ok(())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<(), EncodeError> {
        self.scalar(Kind::U32, value.to_le_bytes(), |out| {
            put_uint(out, value.into())
        });
        Ok(())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<(), EncodeError> {
        self.scalar(Kind::U64, value.to_le_bytes(), |out| put_uint(out, value));
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), EncodeError> {
        self.slot = Kind::Tagged;
        match u64::try_from(value) {
            Ok(value) => put_uint(self.out, value),
            Err(_) => put_fixed(self.out, tag::U128, value.to_le_bytes()),
        }
        Ok(())
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<(), EncodeError> {
        self.scalar(Kind::I8, value.to_le_bytes(), |out| {
            put_int(out, value.into())
        });
        Ok(())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<(), EncodeError> {
        self.scalar(Kind::I16, value.to_le_bytes(), |out| {
            put_int(out, value.into())
        });
        Ok(())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), EncodeError> {
        self.scalar(Kind::I32, value.to_le_bytes(), |out| {
            put_int(out, value.into())
        });
        Ok(())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), EncodeError> {
        self.scalar(Kind::I64, value.to_le_bytes(), |out| put_int(out, value));
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), EncodeError> {
        if let Ok(value) = u128::try_from(value) {
            return self.serialize_u128(value);
        }
        self.slot = Kind::Tagged;
        match i64::try_from(value) {
            Ok(value) => put_int(self.out, value),
            Err(_) => put_fixed(self.out, tag::I128, value.to_le_bytes()),
        }
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        let bytes = value.to_bits().to_le_bytes();
        self.scalar(Kind::F32, bytes, |out| put_fixed(out, tag::F32, bytes));
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        let bytes = value.to_bits().to_le_bytes();
        self.scalar(Kind::F64, bytes, |out| put_fixed(out, tag::F64, bytes));
        Ok(())
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.scalar(Kind::Bool, [u8::from(value)], |out| {
            out.push(if value { tag::TRUE } else { tag::FALSE })
        });
        Ok(())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        let bytes = u32::from(value).to_le_bytes();
        self.scalar(Kind::Char, bytes, |out| put_fixed(out, tag::CHAR, bytes));
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.str(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.bytes(value);
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.tag(tag::UNIT);
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_none(self) -> Result<(), EncodeError> {
        self.tag(tag::NONE);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.enter()?;
        self.tag(tag::SOME);
        value.serialize(&mut *self)?;
        self.leave();
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        if name == attachment::NAME && self.takes_attachments() {
            return self.attachment(value);
        }
        // No tag, so a column goes on: newtypes around u8 are a column too.
        self.enter()?;
        value.serialize(&mut *self)?;
        self.leave();
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.unit_variant(variant)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let mut content = self.fields(Key::named(Form::Newtype, variant), 1)?;
        content.part(None, value)?;
        content.end(Some(Form::Newtype));
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Compound<'e, 'o>, EncodeError> {
        self.elements(Kind::Unknown, len.unwrap_or(0))
    }

    /// What slices and vectors call. Scalars are copied here, which from one `serialize_element` to the
    /// next takes many times as long.
    #[inline]
    fn collect_seq<I>(self, items: I) -> Result<(), EncodeError>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        let mut items = items.into_iter();
        let announced = match items.size_hint() {
            (least, Some(most)) if least == most => least,
            _ => 0,
        };
        let kind = Kind::of_items::<I::Item>();
        let mut elements = self.elements(kind.unwrap_or(Kind::Unknown), announced)?;
        match kind.map(Kind::width) {
            Some(1) => elements.scalars::<_, 1>(&mut items)?,
            Some(2) => elements.scalars::<_, 2>(&mut items)?,
            Some(4) => elements.scalars::<_, 4>(&mut items)?,
            Some(_) => elements.scalars::<_, 8>(&mut items)?,
            None => {}
        }
        for item in items {
            elements.part(None, &item)?;
        }
        elements.end(None);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_tuple(self, len: usize) -> Result<Compound<'e, 'o>, EncodeError> {
        if len <= TUPLE_MAX {
            self.fields(Key::tuple(len), len)
        } else {
            self.elements(Kind::Unknown, len)
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Compound<'e, 'o>, EncodeError> {
        self.fields(Key::named(Form::Tuple, name), len)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'e, 'o>, EncodeError> {
        self.fields(Key::named(Form::TupleVariant, variant), len)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Compound<'e, 'o>, EncodeError> {
        self.enter()?;
        self.tag(tag::MAP);
        let count = self.count(len.unwrap_or(0));
        Ok(Compound {
            encoder: self,
            open: Open::full(Kind::Tagged, count),
        })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Compound<'e, 'o>, EncodeError> {
        self.fields(Key::named(Form::Struct, name), len)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'e, 'o>, EncodeError> {
        self.fields(Key::named(Form::StructVariant, variant), len)
    }
}

impl SerializeSeq for Compound<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.part(None, value)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn end(self) -> Result<(), EncodeError> {
        self.end(None);
        Ok(())
    }
}

impl SerializeTuple for Compound<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.part(None, value)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn end(self) -> Result<(), EncodeError> {
        self.end(Some(Form::Tuple));
        Ok(())
    }
}

/// The ways in which fields come: with and without a name.
macro_rules! fields {
    ($($serialize:ident $form:ident: $($name:ident)?;)*) => {
        $(impl $serialize for Compound<'_, '_> {
            type Ok = ();
            type Error = EncodeError;

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), EncodeError> {
                let name: Option<&'static str> = None;
                $(let name = name.or(Some($name));)?
                self.part(name, value)
            }

            $(fn skip_field(&mut self, $name: &'static str) -> Result<(), EncodeError> {
                self.skip($name);
                Ok(())
            })?

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn end(self) -> Result<(), EncodeError> {
                self.end(Some(Form::$form));
                Ok(())
            }
        })*
    };
}

fields! {
    SerializeTupleStruct Tuple: ;
    SerializeTupleVariant TupleVariant: ;
    SerializeStruct Struct: field;
    SerializeStructVariant StructVariant: field;
}

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.part(None, key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.encoder.slot = Kind::Tagged;
        value.serialize(&mut *self.encoder)
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.end(None);
        Ok(())
    }
}
