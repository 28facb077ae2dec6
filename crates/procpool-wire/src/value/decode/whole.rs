//! A vector of scalars taken whole, where serde asks for one after another.

use std::any::type_name;
use std::fmt;

use castaway::cast;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;

use super::reader::Reader;
use crate::value::kind::Kind;

/// The scalars of a column, which are next, as the value of this visitor, if it is the one with which serde reads a
/// vector of just these. Then they are read, and otherwise nothing is.
///
/// Another visitor may make a vector of them too, but not of just these.
#[inline]
pub(super) fn vector<'de, V: Visitor<'de>>(
    kind: Kind,
    count: usize,
    reader: &mut Reader<'_, 'de>,
) -> Option<V::Value> {
    let mut value = None::<V::Value>;
    macro_rules! vectors {
        ($($kind:ident $type:ty, $width:literal, $scalar:expr;)*) => {
            $(if kind == Kind::$kind
                && let Ok(place) = cast!(&mut value, &mut Option<Vec<$type>>)
                && type_name::<V>() == visitor_of::<$type>()
            {
                let (scalars, _) = reader.input.next(count * $width)?.as_chunks::<$width>();
                let scalar: fn([u8; $width]) -> $type = $scalar;
                *place = Some(scalars.iter().map(|bytes| scalar(*bytes)).collect());
            })*
        };
    }
    vectors! {
        I8 i8, 1, i8::from_le_bytes;
        U16 u16, 2, u16::from_le_bytes;
        U32 u32, 4, u32::from_le_bytes;
        U64 u64, 8, u64::from_le_bytes;
        I16 i16, 2, i16::from_le_bytes;
        I32 i32, 4, i32::from_le_bytes;
        I64 i64, 8, i64::from_le_bytes;
        F32 f32, 4, f32::from_le_bytes;
        F64 f64, 8, f64::from_le_bytes;
    }
    #[cfg(target_pointer_width = "64")]
    vectors! {
        U64 usize, 8, usize::from_le_bytes;
        I64 isize, 8, isize::from_le_bytes;
    }
    if kind == Kind::Bool
        && let Ok(place) = cast!(&mut value, &mut Option<Vec<bool>>)
        && type_name::<V>() == visitor_of::<bool>()
    {
        let bytes = reader.input.next(count)?;
        // Not the first that is wrong is looked for, so that many are compared in a step.
        let most = bytes.iter().fold(0, |most, byte| most | byte);
        *place = (most <= 1).then(|| bytes.iter().map(|&byte| byte == 1).collect());
    }
    if value.is_some() {
        // They were there.
        let _ = reader.input.bytes(count * kind.width());
    }
    value
}

/// The same of bytes.
pub(super) fn bytes<'de, V: Visitor<'de>>(bytes: &[u8]) -> Option<V::Value> {
    let mut value = None::<V::Value>;
    if let Ok(vector) = cast!(&mut value, &mut Option<Vec<u8>>)
        && type_name::<V>() == visitor_of::<u8>()
    {
        *vector = Some(bytes.to_vec());
    }
    value
}

/// The name of the visitor with which serde reads a vector.
fn visitor_of<T: for<'de> Deserialize<'de>>() -> &'static str {
    Vec::<T>::deserialize(Asked).map_or_else(|Name(name)| name, |_| "")
}

/// Gives nothing but the name of the visitor that it is asked with.
struct Asked;

#[derive(Debug)]
struct Name(&'static str);

impl<'de> Deserializer<'de> for Asked {
    type Error = Name;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Name> {
        Err(Name(type_name::<V>()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Name {}

impl Error for Name {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Name("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{DecodeError, decode};

    /// One who makes another vector of the bytes.
    #[derive(Debug, PartialEq)]
    struct Doubled(Vec<u8>);

    struct Doubling;

    impl<'de> Visitor<'de> for Doubling {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("small numbers")
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
            let mut doubled = Vec::new();
            while let Some(number) = seq.next_element::<u8>()? {
                doubled.push(2 * number);
            }
            Ok(doubled)
        }
    }

    impl<'de> Deserialize<'de> for Doubled {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(Doubling).map(Doubled)
        }
    }

    #[test]
    fn the_visitor_of_vectors_has_a_name() {
        assert_ne!(visitor_of::<u8>(), "");
    }

    #[test]
    fn only_a_vector_is_taken_whole() -> Result<(), DecodeError> {
        let mut bytes = Vec::new();
        crate::value::encode(&(1, vec![1u8, 2, 3]), &mut bytes).unwrap();
        let vector: (u8, Vec<u8>) = decode(&bytes)?;
        assert_eq!(vector, (1, vec![1, 2, 3]));
        let wide: (u8, Vec<u32>) = decode(&bytes)?;
        assert_eq!(wide, (1, vec![1, 2, 3]));
        let doubled: (u8, Doubled) = decode(&bytes)?;
        assert_eq!(doubled, (1, Doubled(vec![2, 4, 6])));
        Ok(())
    }
}
