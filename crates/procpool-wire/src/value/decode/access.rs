//! The parts of sequences, maps, structs and tuples.

use std::slice::Iter;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::decoder::Decoder;
use super::shape::{Shape, Slot};
use crate::value::error::DecodeError;
use crate::value::kind::Kind;

/// The elements of a sequence, or keys and values of a map in turn.
#[derive(Debug)]
pub(super) struct Items<'a, 's, 'de> {
    decoder: &'a mut Decoder<'s, 'de>,
    kind: Kind,
    left: usize,
    value_due: bool,
}

/// The values of a shape's slots, with their names or without.
#[derive(Debug)]
pub(super) struct Slots<'a, 's, 'de> {
    decoder: &'a mut Decoder<'s, 'de>,
    left: Iter<'s, Slot<'de>>,
    /// The kind of the value whose name was read.
    due: Option<Kind>,
}

#[cold]
fn value_not_read() -> DecodeError {
    DecodeError::new("the value of a map's entry was not read")
}

#[cold]
fn too_many() -> DecodeError {
    DecodeError::new("a sequence or map has more elements than its type takes")
}

impl<'a, 's, 'de> Items<'a, 's, 'de> {
    #[inline]
    pub(super) fn new(decoder: &'a mut Decoder<'s, 'de>, kind: Kind, left: usize) -> Self {
        Self {
            decoder,
            kind,
            left,
            value_due: false,
        }
    }

    #[inline]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.decoder.part(self.kind, seed).map(Some)
    }

    /// Fails if the visitor stopped before the end: the rest must not be lost without a word.
    #[inline]
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        if self.value_due {
            Err(value_not_read())
        } else if self.left == 0 {
            Ok(())
        } else {
            Err(too_many())
        }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, '_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        self.next(seed)
    }

    /// No more than there are bytes for.
    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Items<'_, '_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        if self.value_due {
            return Err(value_not_read());
        }
        let key = self.next(seed)?;
        self.value_due = key.is_some();
        Ok(key)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        self.value_due = false;
        self.decoder.part(self.kind, seed)
    }

    /// No more than there are bytes for.
    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'a, 's, 'de> Slots<'a, 's, 'de> {
    #[inline]
    pub(super) fn new(decoder: &'a mut Decoder<'s, 'de>, shape: &'s Shape<'de>) -> Self {
        Self {
            decoder,
            left: shape.slots.iter(),
            due: None,
        }
    }

    /// As [`Items::finish`].
    #[inline]
    pub(super) fn finish(mut self) -> Result<(), DecodeError> {
        if self.due.is_some() {
            Err(value_not_read())
        } else if self.left.len() == 0 || self.next().is_none() {
            Ok(())
        } else {
            Err(too_many())
        }
    }

    /// The next slot that has a value, and how that is laid out.
    #[inline]
    fn next(&mut self) -> Option<(&'de str, Kind)> {
        for slot in self.left.by_ref() {
            match slot.kind {
                Kind::Optional if self.decoder.reader.absent() => {}
                Kind::Optional => return Some((slot.name, Kind::Tagged)),
                kind => return Some((slot.name, kind)),
            }
        }
        None
    }
}

impl<'de> SeqAccess<'de> for Slots<'_, '_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        match self.left.next() {
            // Of what is read in order, none is optional.
            Some(slot) => self.decoder.part(slot.kind, seed).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

impl<'de> MapAccess<'de> for Slots<'_, '_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        if self.due.is_some() {
            return Err(value_not_read());
        }
        let Some((name, kind)) = self.next() else {
            return Ok(None);
        };
        self.due = Some(kind);
        self.decoder.reader.set_name(name);
        self.decoder.part(Kind::Name, seed).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        match self.due.take() {
            Some(kind) => self.decoder.part(kind, seed),
            None => Err(value_not_read()),
        }
    }
}
