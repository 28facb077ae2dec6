//! Values that are one scalar: a number, a `bool`, a `char` or `()`.
//!
//! A map may have millions of them. Encoding each with serde, with a tag and a length, takes several times as long as
//! copying it. So scalars are sent as little-endian bytes. Their type is sent once for all items of a message, and in one byte
//! with each result.
//!
//! Both ends are the same executable and know the type, so the type that was sent is only compared with it. A value comes
//! back unchanged, to the last bit of a float, as it would with [`value`](crate::value).

use std::any::{Any, TypeId};

/// The type of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ScalarType {
    /// `()`, of which there is nothing to be sent.
    Unit = 1,
    /// `bool`.
    Bool,
    /// `char`.
    Char,
    /// `u8`.
    U8,
    /// `u16`.
    U16,
    /// `u32`.
    U32,
    /// `u64` and `usize`.
    U64,
    /// `i8`.
    I8,
    /// `i16`.
    I16,
    /// `i32`.
    I32,
    /// `i64` and `isize`.
    I64,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
}

/// For each type: its scalar type, and the conversions to and from the low bytes of a word.
macro_rules! types {
    ($($type:ty, $kind:ident, $bits:expr, $value:expr;)*) => {
        impl ScalarType {
            /// The kind that the values of this type are of, if they are of any.
            ///
            /// ```
            /// use procpool_wire::ScalarType;
            /// assert_eq!(ScalarType::of::<u64>(), Some(ScalarType::U64));
            /// assert_eq!(ScalarType::of::<Option<u64>>(), None);
            /// ```
            #[inline]
            #[must_use]
            pub fn of<T: 'static>() -> Option<ScalarType> {
                $(if TypeId::of::<T>() == TypeId::of::<$type>() {
                    return Some(ScalarType::$kind);
                })*
                None
            }

            /// The value in the low bytes of a word. Zero, if it is of no kind.
            #[inline]
            #[must_use]
            pub fn bits<T: 'static>(value: &T) -> u64 {
                let value: &dyn Any = value;
                $(if let Some(&value) = value.downcast_ref::<$type>() {
                    let bits: fn($type) -> u64 = $bits;
                    return bits(value);
                })*
                0
            }

            /// The value that is in the low bytes of a word. `None` if this is no kind of `T`, or these are not the
            /// bytes of one.
            ///
            /// ```
            /// use procpool_wire::ScalarType;
            /// assert_eq!(ScalarType::F64.value(ScalarType::bits(&-1.5)), Some(-1.5));
            /// assert_eq!(ScalarType::Bool.value::<bool>(2), None);
            /// ```
            #[inline]
            #[must_use]
            pub fn value<T: 'static>(self, bits: u64) -> Option<T> {
                let mut made: Option<T> = None;
                let place: &mut dyn Any = &mut made;
                $(if let Some(place) = place.downcast_mut::<Option<$type>>() {
                    let value: fn(u64) -> Option<$type> = $value;
                    if self == ScalarType::$kind {
                        *place = value(bits);
                    }
                    return made;
                })*
                None
            }
        }
    };
}

types! {
    (), Unit, |()| 0, |_| Some(());
    bool, Bool, u64::from, |bits| (bits < 2).then_some(bits == 1);
    char, Char, |char| u32::from(char).into(), |bits| char::from_u32(bits as u32);
    u8, U8, u64::from, |bits| Some(bits as u8);
    u16, U16, u64::from, |bits| Some(bits as u16);
    u32, U32, u64::from, |bits| Some(bits as u32);
    u64, U64, |value| value, Some;
    usize, U64, |value| value as u64, |bits| usize::try_from(bits).ok();
    i8, I8, |value| (value as u8).into(), |bits| Some(bits as i8);
    i16, I16, |value| (value as u16).into(), |bits| Some(bits as i16);
    i32, I32, |value| (value as u32).into(), |bits| Some(bits as i32);
    i64, I64, |value| value as u64, |bits| Some(bits as i64);
    isize, I64, |value| value as i64 as u64, |bits| isize::try_from(bits as i64).ok();
    f32, F32, |value| value.to_bits().into(), |bits| Some(f32::from_bits(bits as u32));
    f64, F64, f64::to_bits, |bits| Some(f64::from_bits(bits));
}

impl ScalarType {
    const ALL: [ScalarType; 13] = [
        ScalarType::Unit,
        ScalarType::Bool,
        ScalarType::Char,
        ScalarType::U8,
        ScalarType::U16,
        ScalarType::U32,
        ScalarType::U64,
        ScalarType::I8,
        ScalarType::I16,
        ScalarType::I32,
        ScalarType::I64,
        ScalarType::F32,
        ScalarType::F64,
    ];

    /// How many bytes a value takes.
    #[inline]
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            ScalarType::Unit => 0,
            ScalarType::Bool | ScalarType::U8 | ScalarType::I8 => 1,
            ScalarType::U16 | ScalarType::I16 => 2,
            ScalarType::Char | ScalarType::U32 | ScalarType::I32 | ScalarType::F32 => 4,
            ScalarType::U64 | ScalarType::I64 | ScalarType::F64 => 8,
        }
    }

    /// Its number in messages, which is never zero.
    #[inline]
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The kind that has this number.
    #[must_use]
    pub fn numbered(number: u8) -> Option<ScalarType> {
        let place = usize::from(number).checked_sub(1)?;
        ScalarType::ALL.get(place).copied()
    }

    /// The value at the front of these bytes, as the low ones of a word, if they are enough.
    #[inline]
    #[must_use]
    pub fn read(self, bytes: &[u8]) -> Option<u64> {
        Some(match self.width() {
            0 => 0,
            1 => u64::from(*bytes.first()?),
            2 => u64::from(u16::from_le_bytes(*bytes.first_chunk()?)),
            4 => u64::from(u32::from_le_bytes(*bytes.first_chunk()?)),
            _ => u64::from_le_bytes(*bytes.first_chunk()?),
        })
    }

    /// Appends the low bytes of a word, as many as a value takes.
    #[inline]
    pub fn write(self, bits: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&bits.to_le_bytes()[..self.width()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comes_back<T: PartialEq + std::fmt::Debug + 'static>(values: &[T]) {
        let kind = ScalarType::of::<T>().expect("a plain type");
        for value in values {
            let bits = ScalarType::bits(value);
            let mut bytes = Vec::new();
            kind.write(bits, &mut bytes);
            assert_eq!(bytes.len(), kind.width());
            assert_eq!(kind.read(&bytes), Some(bits), "{value:?}");
            assert_eq!(kind.value(bits).as_ref(), Some(value));
            for other in ScalarType::ALL.into_iter().filter(|&other| other != kind) {
                assert_eq!(other.value::<T>(bits), None);
            }
            if let Some(shorter) = bytes.len().checked_sub(1) {
                assert_eq!(kind.read(&bytes[..shorter]), None);
            }
        }
    }

    #[test]
    fn values_of_each_type_come_back() {
        comes_back(&[()]);
        comes_back(&[false, true]);
        comes_back(&['a', '\0', char::MAX]);
        comes_back(&[u8::MIN, u8::MAX]);
        comes_back(&[u16::MIN, u16::MAX]);
        comes_back(&[u32::MIN, u32::MAX]);
        comes_back(&[u64::MIN, u64::MAX]);
        comes_back(&[usize::MIN, usize::MAX]);
        comes_back(&[i8::MIN, -1, i8::MAX]);
        comes_back(&[i16::MIN, -1, i16::MAX]);
        comes_back(&[i32::MIN, -1, i32::MAX]);
        comes_back(&[i64::MIN, -1, i64::MAX]);
        comes_back(&[isize::MIN, -1, isize::MAX]);
        comes_back(&[f32::MIN, -0.0, f32::INFINITY]);
        comes_back(&[f64::MIN, -0.0, f64::INFINITY]);
        let odd = f64::from_bits(0x7ff8_0000_dead_beef);
        let back: f64 = ScalarType::F64
            .value(ScalarType::bits(&odd))
            .expect("any bits are a float");
        assert_eq!(back.to_bits(), odd.to_bits());
    }

    #[test]
    fn what_is_no_value_is_none() {
        assert_eq!(ScalarType::Bool.value::<bool>(2), None);
        assert_eq!(ScalarType::Char.value::<char>(0xd800), None);
        assert_eq!(ScalarType::U64.value::<String>(1), None);
        assert_eq!(ScalarType::of::<String>(), None);
    }

    #[test]
    fn each_kind_has_a_number_of_its_own() {
        for kind in ScalarType::ALL {
            assert_eq!(ScalarType::numbered(kind.number()), Some(kind));
        }
        for number in [0, 14, 255] {
            assert_eq!(ScalarType::numbered(number), None);
        }
    }
}
