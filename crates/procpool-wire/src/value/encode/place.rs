//! Scalars of a sequence, many at a time.
//!
//! serde hands a `Vec<f32>` over as a sequence of single numbers. A serializer that can do nothing
//! but put one scalar into its place lets the compiler see that the loop over them is a copy.

use std::fmt::Display;

use serde::ser::{Impossible, Serialize, Serializer};

use crate::value::error::EncodeError;

/// The place of one scalar of so many bytes.
pub(super) struct Place<'p, const N: usize>(pub(super) &'p mut [u8; N]);

impl<const N: usize> Place<'_, N> {
    #[inline]
    fn put<const M: usize>(self, bytes: [u8; M]) -> Result<(), EncodeError> {
        if N != M {
            return no_scalar();
        }
        self.0.copy_from_slice(&bytes);
        Ok(())
    }
}

#[cold]
fn no_scalar<T>() -> Result<T, EncodeError> {
    Err(EncodeError::new("a scalar was written as something else"))
}

impl<const N: usize> Serializer for Place<'_, N> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Impossible<(), EncodeError>;
    type SerializeTuple = Impossible<(), EncodeError>;
    type SerializeTupleStruct = Impossible<(), EncodeError>;
    type SerializeTupleVariant = Impossible<(), EncodeError>;
    type SerializeMap = Impossible<(), EncodeError>;
    type SerializeStruct = Impossible<(), EncodeError>;
    type SerializeStructVariant = Impossible<(), EncodeError>;

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<(), EncodeError> {
        self.put(value.to_le_bytes())
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.put([u8::from(value)])
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<(), EncodeError> {
        self.put(value.to_le_bytes())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<(), EncodeError> {
        self.put(value.to_le_bytes())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), EncodeError> {
        self.put(value.to_le_bytes())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), EncodeError> {
        self.put(value.to_le_bytes())
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<(), EncodeError> {
        self.put(value.to_le_bytes())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<(), EncodeError> {
        self.put(value.to_le_bytes())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<(), EncodeError> {
        self.put(value.to_le_bytes())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        self.put(value.to_bits().to_le_bytes())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        self.put(value.to_bits().to_le_bytes())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.put(u32::from(value).to_le_bytes())
    }

    fn serialize_str(self, _: &str) -> Result<(), EncodeError> {
        no_scalar()
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), EncodeError> {
        no_scalar()
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        no_scalar()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), EncodeError> {
        no_scalar()
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        no_scalar()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), EncodeError> {
        no_scalar()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<(), EncodeError> {
        no_scalar()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), EncodeError> {
        no_scalar()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), EncodeError> {
        no_scalar()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, EncodeError> {
        no_scalar()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, EncodeError> {
        no_scalar()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, EncodeError> {
        no_scalar()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, EncodeError> {
        no_scalar()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, EncodeError> {
        no_scalar()
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, EncodeError> {
        no_scalar()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, EncodeError> {
        no_scalar()
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), EncodeError> {
        no_scalar()
    }
}
