//! What has a shape.

/// What a value of a shape is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Form {
    /// Fields with names.
    Struct,
    /// Elements.
    Tuple,
    /// A variant without content.
    Unit,
    /// A variant of one value.
    Newtype,
    /// A variant of elements.
    TupleVariant,
    /// A variant of fields with names.
    StructVariant,
}

impl Form {
    pub(super) fn numbered(number: u8) -> Option<Self> {
        Some(match number {
            0 => Form::Struct,
            1 => Form::Tuple,
            2 => Form::Unit,
            3 => Form::Newtype,
            4 => Form::TupleVariant,
            5 => Form::StructVariant,
            _ => return None,
        })
    }

    /// Whether the shape has a name, which is the variant's.
    #[inline]
    pub(super) fn is_variant(self) -> bool {
        !matches!(self, Form::Struct | Form::Tuple)
    }

    /// Whether the fields are a level of nesting below the variant.
    #[inline]
    pub(super) fn has_inner_level(self) -> bool {
        matches!(self, Form::TupleVariant | Form::StructVariant)
    }

    /// Whether the slots have names.
    #[inline]
    pub(super) fn has_names(self) -> bool {
        matches!(self, Form::Struct | Form::StructVariant)
    }
}
