//! Enum variants with content.

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, VariantAccess, Visitor,
};

use super::decoder::Decoder;
use super::shape::Shape;
use crate::value::error::DecodeError;
use crate::value::kind::Kind;

/// A name and one value: an enum's variant with content, or a map of one entry.
#[derive(Debug)]
pub(super) struct Variant<'a, 's, 'de> {
    decoder: &'a mut Decoder<'s, 'de>,
    /// Where the name is, and how the content is laid out. Without one both are tagged.
    shape: Option<&'s Shape<'de>>,
    name_read: bool,
    content_read: bool,
}

impl<'a, 's, 'de> Variant<'a, 's, 'de> {
    #[inline]
    pub(super) fn new(decoder: &'a mut Decoder<'s, 'de>, shape: Option<&'s Shape<'de>>) -> Self {
        Self {
            decoder,
            shape,
            name_read: false,
            content_read: false,
        }
    }

    /// Fails if a visitor that took the variant for a map left it unread.
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        if self.content_read {
            Ok(())
        } else {
            Err(DecodeError::new("an enum variant was not read to its end"))
        }
    }

    #[inline]
    fn name<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        match self.shape {
            Some(shape) => {
                self.decoder.reader.set_name(shape.name);
                self.decoder.part(Kind::Name, seed)
            }
            None => self.decoder.part(Kind::Tagged, seed),
        }
    }

    /// What reads the content.
    #[inline]
    fn content(&mut self) -> &mut Decoder<'s, 'de> {
        match self.shape {
            Some(shape) => self.decoder.reader.set_content(shape),
            None => self.decoder.reader.slot = Kind::Tagged,
        }
        self.decoder
    }

    /// As [`content`](Self::content), and notes that somebody has asked for it.
    #[inline]
    fn content_asked_for(mut self) -> &'a mut Decoder<'s, 'de> {
        self.content();
        self.decoder.variants_due -= 1;
        self.decoder
    }
}

impl<'de> MapAccess<'de> for Variant<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        if self.name_read {
            return Ok(None);
        }
        self.name_read = true;
        self.name(seed).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        self.content_read = true;
        let decoder = self.content();
        decoder.part(decoder.reader.slot, seed)
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, '_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(
        mut self,
        seed: V,
    ) -> Result<(V::Value, Self), DecodeError> {
        let name = self.name(seed)?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        <()>::deserialize(self.content_asked_for())
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        let decoder = self.content_asked_for();
        decoder.part(decoder.reader.slot, seed)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.content_asked_for().deserialize_tuple(len, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.content_asked_for()
            .deserialize_struct("", fields, visitor)
    }
}
