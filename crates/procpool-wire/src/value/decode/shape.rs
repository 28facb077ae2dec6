//! The shapes of one encoding, as they are read.

use std::any::type_name;
use std::cell::Cell;

use super::input::{Input, cut_short};
use crate::value::error::DecodeError;
use crate::value::kind::Kind;
use crate::value::shape_form::Form;

/// All shapes of an encoding, by number.
#[derive(Debug)]
pub(in crate::value) struct Shapes<'de>(Vec<Shape<'de>>);

/// What fields a value has, and how each is laid out.
#[derive(Debug)]
pub(super) struct Shape<'de> {
    pub(super) form: Form,
    /// Of a variant.
    pub(super) name: &'de str,
    pub(super) slots: Box<[Slot<'de>]>,
    reader: Cell<StructReader>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Slot<'de> {
    pub(super) name: &'de str,
    pub(super) kind: Kind,
}

/// The last visitor that a value of a shape was read with: where the names are that it knows, and its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct StructReader {
    fields: usize,
    visitor: usize,
    /// Whether it takes the slots in their order.
    in_order: bool,
}

impl<'de> Shapes<'de> {
    /// Reads what the encoder appends.
    #[cold]
    pub(super) fn read(bytes: &'de [u8]) -> Result<Self, DecodeError> {
        let mut input = Input::new(bytes);
        let count = input.byte()?;
        let mut shapes = Vec::new();
        for _ in 0..count {
            shapes.push(Shape::read(&mut input)?);
        }
        if !input.is_empty() {
            return Err(DecodeError::new("there are bytes behind the shapes"));
        }
        Ok(Shapes(shapes))
    }

    #[inline]
    pub(super) fn get(&self, number: u8) -> Option<&Shape<'de>> {
        self.0.get(usize::from(number))
    }
}

impl<'de> Shape<'de> {
    fn read(input: &mut Input<'de>) -> Result<Self, DecodeError> {
        let unknown = || DecodeError::new("a shape is of no known form");
        let form = Form::numbered(input.byte()?).ok_or_else(unknown)?;
        let name = match form.is_variant() {
            true => input.name()?,
            false => "",
        };
        let count = input.len()?;
        if count > input.left() {
            return Err(cut_short());
        }
        let mut slots = Vec::new();
        for _ in 0..count {
            let name = match form.has_names() {
                true => input.name()?,
                false => "",
            };
            let unknown = || DecodeError::new("a field of a shape is of no known kind");
            let kind = Kind::numbered(input.byte()?).ok_or_else(unknown)?;
            slots.push(Slot { name, kind });
        }
        let fits = match form {
            Form::Unit => slots.is_empty(),
            Form::Newtype => slots.len() == 1,
            _ => true,
        };
        let nameless_option = !form.has_names() && slots.iter().any(Slot::is_optional);
        if !fits || nameless_option {
            return Err(DecodeError::new("a shape has not the fields of its form"));
        }
        Ok(Shape {
            form,
            name,
            slots: slots.into(),
            reader: Cell::default(),
        })
    }

    /// Whether this visitor, which knows these fields, can be given the values in their order, without names.
    ///
    /// It can if the names are the same, in the same order, and serde has derived it: such a visitor takes
    /// a sequence as it takes a map. One that was written by hand may know a map alone.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn is_in_order<V>(&self, fields: &'static [&'static str]) -> bool {
        // Told here, since a name may be in memory several times.
        let visitor = type_name::<V>();
        let known = self.reader.get();
        if known.fields == fields.as_ptr() as usize && known.visitor == visitor.as_ptr() as usize {
            return known.in_order;
        }
        self.compare(fields, visitor)
    }

    #[inline(never)]
    fn compare(&self, fields: &'static [&'static str], visitor: &'static str) -> bool {
        let is_same = self.slots.len() == fields.len()
            && self
                .slots
                .iter()
                .zip(fields)
                .all(|(slot, name)| slot.name == *name)
            && !self.slots.iter().any(Slot::is_optional);
        let in_order = is_same && is_derived(visitor);
        self.reader.set(StructReader {
            fields: fields.as_ptr() as usize,
            visitor: visitor.as_ptr() as usize,
            in_order,
        });
        in_order
    }
}

impl Slot<'_> {
    fn is_optional(&self) -> bool {
        self.kind == Kind::Optional
    }
}

/// Whether a type of this name is a visitor that serde has derived: `<impl Deserialize for …>::deserialize::__Visitor`
/// in an anonymous constant. Should that change, values are read with their names, as slowly as correctly.
fn is_derived(name: &str) -> bool {
    let Some((path, parameters)) = name.rsplit_once("::__Visitor") else {
        return false;
    };
    let is_whole = parameters.is_empty() || parameters.starts_with('<');
    is_whole && path.contains("::_::<impl serde") && path.contains("::Deserialize")
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde::Deserialize;
    use serde::de::{Deserializer, Error, Visitor};
    use serde::forward_to_deserialize_any;

    /// Says as an error the name of the visitor that it is asked with.
    struct Asked;

    impl<'de> Deserializer<'de> for Asked {
        type Error = DecodeError;

        fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, DecodeError> {
            Err(DecodeError::custom(type_name::<V>()))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
            unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
        }
    }

    fn visitor_of<T: for<'de> Deserialize<'de>>() -> String {
        T::deserialize(Asked)
            .err()
            .expect("it has a visitor")
            .to_string()
    }

    #[derive(Deserialize)]
    struct Plain {
        #[allow(dead_code, reason = "only its visitor matters")]
        field: u8,
    }

    #[derive(Deserialize)]
    struct Generic<T> {
        #[allow(dead_code, reason = "only its visitor matters")]
        field: T,
    }

    #[test]
    fn derived_visitors_are_known_by_their_names() {
        for name in [
            visitor_of::<Plain>(),
            visitor_of::<Generic<u8>>(),
            visitor_of::<Generic<Plain>>(),
        ] {
            assert!(is_derived(&name), "{name}");
        }
    }

    #[test]
    fn visitors_written_by_hand_are_not() {
        for name in [
            visitor_of::<std::time::Duration>(),
            visitor_of::<std::ops::Range<u8>>(),
            visitor_of::<String>(),
            "mine::__Visitor".to_owned(),
        ] {
            assert!(!is_derived(&name), "{name}");
        }
    }
}
