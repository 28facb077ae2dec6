//! Bytes of a sequence, many at a time.
//!
//! serde hands a `Vec<u8>` over as a sequence of single numbers. A serializer that can do nothing
//! but put one byte into its place lets the compiler see that the loop over them is a copy.

use std::any::type_name;
use std::fmt::Display;

use serde::ser::{Impossible, Serialize, Serializer};

use crate::value::error::EncodeError;

/// Whether the items of a sequence are bytes, as a slice or a vector of them has them.
///
/// The name of a primitive type is that word alone, and the name of any other type has a path. Should
/// that change, bytes are written one by one, as slowly as correctly.
pub(in crate::value) fn is_byte<T>() -> bool {
    matches!(type_name::<T>(), "u8" | "&u8")
}

/// The place of one byte.
pub(in crate::value) struct Place<'p>(pub(in crate::value) &'p mut u8);

fn no_byte<T>() -> Result<T, EncodeError> {
    Err(EncodeError::new("a byte was written as something else"))
}

impl Serializer for Place<'_> {
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
        *self.0 = value;
        Ok(())
    }

    fn serialize_bool(self, _: bool) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_i8(self, _: i8) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_i16(self, _: i16) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_i32(self, _: i32) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_i64(self, _: i64) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_u16(self, _: u16) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_u32(self, _: u32) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_u64(self, _: u64) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_f32(self, _: f32) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_f64(self, _: f64) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_char(self, _: char) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_str(self, _: &str) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), EncodeError> {
        no_byte()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, EncodeError> {
        no_byte()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, EncodeError> {
        no_byte()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, EncodeError> {
        no_byte()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, EncodeError> {
        no_byte()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, EncodeError> {
        no_byte()
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, EncodeError> {
        no_byte()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, EncodeError> {
        no_byte()
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), EncodeError> {
        no_byte()
    }
}
