//! A `Vec<u8>` inside of a value, taken whole where serde asks for one number after another.

use std::any::type_name;
use std::fmt;

use castaway::cast;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;

/// These bytes as the value of this visitor, if it is the one with which serde reads a `Vec<u8>`.
///
/// Another may make a vector of the bytes too, but not of just these.
pub(in crate::value) fn vector<'de, V: Visitor<'de>>(bytes: &[u8]) -> Option<V::Value> {
    let mut value = None::<V::Value>;
    if let Ok(vector) = cast!(&mut value, &mut Option<Vec<u8>>)
        && type_name::<V>() == visitor_of_vectors()
    {
        *vector = Some(bytes.to_vec());
    }
    value
}

fn visitor_of_vectors() -> &'static str {
    Vec::<u8>::deserialize(Asked).map_or_else(|Name(name)| name, |_| "")
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

    /// A type whose visitor makes another vector of the bytes.
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
        assert_ne!(visitor_of_vectors(), "");
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
