//! How a value is laid out in its slot.

use std::any::type_name;

/// The layout of a value in a slot: of a struct's field, or of an element of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    // The scalars: so many bytes, little-endian, without a tag.
    U8,
    I8,
    Bool,
    U16,
    I16,
    U32,
    I32,
    Char,
    F32,
    U64,
    I64,
    F64,
    /// Any value, behind its tag.
    Tagged,
    /// A field that may be skipped: tagged, or [`ABSENT`](super::tag::ABSENT).
    Optional,
    /// While encoding: no value has been in the slot. The first one decides.
    Unknown,
    /// While decoding: the name of a field or variant, which is in its shape.
    Name,
    /// While decoding: the fields of a variant whose shape has been read.
    Fields,
}

const STORED: [Kind; 14] = [
    Kind::U8,
    Kind::I8,
    Kind::Bool,
    Kind::U16,
    Kind::I16,
    Kind::U32,
    Kind::I32,
    Kind::Char,
    Kind::F32,
    Kind::U64,
    Kind::I64,
    Kind::F64,
    Kind::Tagged,
    Kind::Optional,
];

impl Kind {
    /// The kind that stands as this number in a shape.
    pub(super) fn numbered(number: u8) -> Option<Self> {
        STORED.get(usize::from(number)).copied()
    }

    /// The number of bytes that a scalar takes; what is no scalar takes one at least.
    #[inline]
    pub(super) fn width(self) -> usize {
        match self {
            Kind::U16 | Kind::I16 => 2,
            Kind::U32 | Kind::I32 | Kind::Char | Kind::F32 => 4,
            Kind::U64 | Kind::I64 | Kind::F64 => 8,
            _ => 1,
        }
    }

    #[inline]
    pub(super) fn is_scalar(self) -> bool {
        (self as u8) < Kind::Tagged as u8
    }

    /// The kind of scalar that items of this type are, as a slice or a vector has them.
    ///
    /// The name of a primitive type is that word alone, and the name of any other type has a path. Should
    /// that change, items are written one by one, as slowly as correctly.
    #[inline]
    pub(super) fn of_items<T>() -> Option<Self> {
        let name = type_name::<T>();
        Some(match name.strip_prefix('&').unwrap_or(name) {
            "u8" => Kind::U8,
            "i8" => Kind::I8,
            "bool" => Kind::Bool,
            "u16" => Kind::U16,
            "i16" => Kind::I16,
            "u32" => Kind::U32,
            "i32" => Kind::I32,
            "char" => Kind::Char,
            "f32" => Kind::F32,
            "u64" | "usize" => Kind::U64,
            "i64" | "isize" => Kind::I64,
            "f64" => Kind::F64,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stored_kind_has_its_number() {
        for (number, kind) in (0..).zip(STORED) {
            assert_eq!(kind as u8, number);
            assert_eq!(Kind::numbered(number), Some(kind));
        }
        assert_eq!(Kind::numbered(STORED.len() as u8), None);
    }

    #[test]
    fn only_primitive_items_are_scalars() {
        struct Wrapped;
        assert_eq!(Kind::of_items::<&f32>(), Some(Kind::F32));
        assert_eq!(Kind::of_items::<u8>(), Some(Kind::U8));
        assert_eq!(Kind::of_items::<&Option<f32>>(), None);
        assert_eq!(Kind::of_items::<Wrapped>(), None);
        assert_eq!(Kind::of_items::<u128>(), None);
    }
}
