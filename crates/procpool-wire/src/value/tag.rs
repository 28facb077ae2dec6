//! The tag byte that starts every tagged value. The table in the module's documentation gives their
//! meaning.

use super::kind::Kind;

/// Integers from 0 to this one are their own tag.
pub(super) const SMALL_UINT_MAX: u8 = 0x7f;

/// -32. A small negative integer's tag is its distance from [`SMALL_STR`].
pub(super) const SMALL_NEG: u8 = 0x80;
pub(super) const SMALL_NEG_MAX: u8 = 0x9f;

/// The empty string. A short string's tag carries its length.
pub(super) const SMALL_STR: u8 = 0xa0;
pub(super) const SMALL_STR_MAX: u8 = 0xbf;

pub(super) const UNIT: u8 = 0xc0;
pub(super) const NONE: u8 = 0xc1;
pub(super) const SOME: u8 = 0xc2;
pub(super) const FALSE: u8 = 0xc3;
pub(super) const TRUE: u8 = 0xc4;
pub(super) const U8: u8 = 0xc5;
pub(super) const U16: u8 = 0xc6;
pub(super) const U32: u8 = 0xc7;
pub(super) const U64: u8 = 0xc8;
pub(super) const U128: u8 = 0xc9;
pub(super) const I8: u8 = 0xca;
pub(super) const I16: u8 = 0xcb;
pub(super) const I32: u8 = 0xcc;
pub(super) const I64: u8 = 0xcd;
pub(super) const I128: u8 = 0xce;
pub(super) const F32: u8 = 0xcf;
pub(super) const F64: u8 = 0xd0;
pub(super) const CHAR: u8 = 0xd1;
pub(super) const STR: u8 = 0xd2;
pub(super) const BYTES: u8 = 0xd3;
pub(super) const SEQ: u8 = 0xd4;
pub(super) const MAP: u8 = 0xd5;
pub(super) const VARIANT: u8 = 0xd6;

/// An attachment; its index follows.
pub(super) const ATTACHMENT: u8 = 0xd7;

/// Says where the shapes are; the first value of a shape follows.
pub(super) const SHAPES: u8 = 0xd8;

/// A value of a shape.
pub(super) const SHAPE: u8 = 0xd9;

/// A field that was skipped, in place of its value.
pub(super) const ABSENT: u8 = 0xda;

/// The tag of a column of `u8`; the other kinds follow in their order.
pub(super) const COLUMN: u8 = 0xe0;
pub(super) const COLUMN_MAX: u8 = COLUMN + Kind::F64 as u8;

/// The tag of a column of scalars of one kind.
#[inline]
pub(super) const fn column(kind: Kind) -> u8 {
    COLUMN + kind as u8
}
