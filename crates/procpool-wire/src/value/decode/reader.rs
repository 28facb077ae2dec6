//! From bytes to the head of a value: its tag, if it has one, and what stands right behind it.

use std::cell::OnceCell;

use super::input::{Input, cut_short};
use super::shape::{Shape, Shapes};
use crate::value::attachment::Attachment;
use crate::value::error::DecodeError;
use crate::value::kind::Kind;
use crate::value::shape_form::Form;
use crate::value::tag;

/// What has not been read yet.
#[derive(Debug)]
pub(super) struct Reader<'s, 'de> {
    pub(super) input: Input<'de>,
    attached: &'de [Attachment],
    /// Empty until the bytes say where the shapes are; `None` if there can be none.
    shapes: Option<&'s OnceCell<Shapes<'de>>>,
    /// How the next value is laid out.
    pub(super) slot: Kind,
    /// What the next value is, if [`slot`](Self::slot) is a name.
    name: &'de str,
    /// Whose fields come next, if [`slot`](Self::slot) says that some do.
    fields: Option<&'s Shape<'de>>,
}

/// A whole scalar, or the beginning of what has parts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Head<'s, 'de> {
    Uint(u64),
    Int(i64),
    U128(u128),
    I128(i128),
    F32(f32),
    F64(f64),
    Bool(bool),
    Char(char),
    Str(&'de str),
    Bytes(&'de [u8]),
    U8Seq(&'de [u8]),
    Unit,
    None,
    Some,
    /// So many tagged elements.
    Seq(usize),
    /// So many scalars of one kind, which are there.
    Column(Kind, usize),
    /// So many entries.
    Map(usize),
    /// A name and one value.
    Variant,
    /// A variant, whose name is its shape's.
    Shaped(&'s Shape<'de>),
    /// The fields of a struct or of a variant, or the elements of a tuple.
    Fields(&'s Shape<'de>),
}

impl<'s, 'de> Reader<'s, 'de> {
    #[inline]
    pub(super) fn new(
        bytes: &'de [u8],
        attached: &'de [Attachment],
        shapes: Option<&'s OnceCell<Shapes<'de>>>,
    ) -> Self {
        Self {
            input: Input::new(bytes),
            attached,
            shapes,
            slot: Kind::Tagged,
            name: "",
            fields: None,
        }
    }

    /// The next value, if it is an attachment and no other.
    pub(super) fn attachment(&mut self) -> Result<Option<&'de Attachment>, DecodeError> {
        if self.slot != Kind::Tagged || self.peek()? != tag::ATTACHMENT {
            return Ok(None);
        }
        self.input.byte()?;
        self.attached().map(Some)
    }

    fn attached(&mut self) -> Result<&'de Attachment, DecodeError> {
        let index = self.input.len()?;
        let attachment = self.attached.get(index);
        attachment.ok_or_else(|| DecodeError::new("what is shared did not come with the value"))
    }

    /// Makes every later read fail, so that nobody reads on from the middle of a value that failed.
    pub(super) fn poison(&mut self) {
        self.input.rest = &[];
        self.slot = Kind::Tagged;
    }

    /// The next value is this name.
    #[inline]
    pub(super) fn set_name(&mut self, name: &'de str) {
        self.slot = Kind::Name;
        self.name = name;
    }

    /// The name that the next value is.
    #[inline]
    pub(super) fn next_name(&self) -> &'de str {
        self.name
    }

    /// The next value is what a variant of this shape has.
    #[inline]
    pub(super) fn set_content(&mut self, shape: &'s Shape<'de>) {
        self.slot = match (shape.form, &*shape.slots) {
            (Form::Newtype, [slot]) => slot.kind,
            _ => Kind::Fields,
        };
        self.fields = Some(shape);
    }

    /// The tag of the next value, which stays unread. What has none has this one's.
    #[inline]
    pub(super) fn peek(&self) -> Result<u8, DecodeError> {
        if self.slot != Kind::Tagged {
            return Ok(tag::SHAPE);
        }
        self.input.rest.first().copied().ok_or_else(cut_short)
    }

    /// Passes over the mark of a field that was skipped, if that is next.
    pub(super) fn absent(&mut self) -> bool {
        match self.input.rest.split_first() {
            Some((&tag::ABSENT, rest)) => {
                self.input.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// As [`uint`](Self::uint), for the count of a sequence.
    #[inline]
    pub(super) fn seq(&mut self) -> Result<Option<usize>, DecodeError> {
        match self.input.rest {
            [tag::SEQ, rest @ ..] if self.slot == Kind::Tagged => {
                self.input.rest = rest;
                self.count(1).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The shape of the next value, if that is a struct, or a tuple. Nothing is read if it is neither.
    #[inline]
    pub(super) fn fields(&mut self, is_form: impl FnOnce(Form) -> bool) -> Option<&'s Shape<'de>> {
        match self.slot {
            Kind::Tagged => {
                let [tag::SHAPE, number, rest @ ..] = self.input.rest else {
                    return None;
                };
                let shape = self.shapes?.get()?.get(*number)?;
                if shape.form.is_variant() || !is_form(shape.form) {
                    return None;
                }
                self.input.rest = rest;
                Some(shape)
            }
            Kind::Fields => self.fields.filter(|shape| is_form(shape.form)),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn head(&mut self) -> Result<Head<'s, 'de>, DecodeError> {
        if self.slot != Kind::Tagged {
            return self.bare();
        }
        let tag = self.input.byte()?;
        Ok(match tag {
            0..=tag::SMALL_UINT_MAX => Head::Uint(tag.into()),
            tag::SMALL_NEG..=tag::SMALL_NEG_MAX => {
                Head::Int(i64::from(tag) - i64::from(tag::SMALL_STR))
            }
            tag::SMALL_STR..=tag::SMALL_STR_MAX => {
                Head::Str(self.input.utf8(usize::from(tag - tag::SMALL_STR))?)
            }
            tag::UNIT => Head::Unit,
            tag::NONE => Head::None,
            tag::SOME => Head::Some,
            tag::FALSE => Head::Bool(false),
            tag::TRUE => Head::Bool(true),
            tag::U8 => Head::Uint(self.input.byte()?.into()),
            tag::U16 => Head::Uint(u16::from_le_bytes(self.input.fixed()?).into()),
            tag::U32 => Head::Uint(u32::from_le_bytes(self.input.fixed()?).into()),
            tag::U64 => Head::Uint(u64::from_le_bytes(self.input.fixed()?)),
            tag::U128 => Head::U128(u128::from_le_bytes(self.input.fixed()?)),
            tag::I8 => Head::Int(i8::from_le_bytes(self.input.fixed()?).into()),
            tag::I16 => Head::Int(i16::from_le_bytes(self.input.fixed()?).into()),
            tag::I32 => Head::Int(i32::from_le_bytes(self.input.fixed()?).into()),
            tag::I64 => Head::Int(i64::from_le_bytes(self.input.fixed()?)),
            tag::I128 => Head::I128(i128::from_le_bytes(self.input.fixed()?)),
            tag::F32 => Head::F32(f32::from_le_bytes(self.input.fixed()?)),
            tag::F64 => Head::F64(f64::from_le_bytes(self.input.fixed()?)),
            tag::CHAR => Head::Char(self.input.char()?),
            tag::STR => {
                let len = self.input.len()?;
                Head::Str(self.input.utf8(len)?)
            }
            tag::BYTES => {
                let len = self.input.len()?;
                Head::Bytes(self.input.bytes(len)?)
            }
            tag::ATTACHMENT => Head::Bytes(self.attached()?.bytes()),
            tag::SEQ => Head::Seq(self.count(1)?),
            tag::MAP => Head::Map(self.count(2)?),
            tag::VARIANT => Head::Variant,
            tag::SHAPE => self.shaped()?,
            tag::SHAPES => return self.first_shaped(),
            tag::ABSENT => {
                return Err(DecodeError::new(
                    "a skipped field stands in place of a value",
                ));
            }
            tag::COLUMN..=tag::COLUMN_MAX => self.column(tag - tag::COLUMN)?,
            _ => {
                return Err(DecodeError::new(format_args!(
                    "no value starts with the byte {tag:#04x}"
                )));
            }
        })
    }

    /// The head of a value that has no tag.
    fn bare(&mut self) -> Result<Head<'s, 'de>, DecodeError> {
        Ok(match self.slot {
            Kind::U8 => Head::Uint(self.input.byte()?.into()),
            Kind::U16 => Head::Uint(u16::from_le_bytes(self.input.fixed()?).into()),
            Kind::U32 => Head::Uint(u32::from_le_bytes(self.input.fixed()?).into()),
            Kind::U64 => Head::Uint(u64::from_le_bytes(self.input.fixed()?)),
            Kind::I8 => Head::of_int(i8::from_le_bytes(self.input.fixed()?).into()),
            Kind::I16 => Head::of_int(i16::from_le_bytes(self.input.fixed()?).into()),
            Kind::I32 => Head::of_int(i32::from_le_bytes(self.input.fixed()?).into()),
            Kind::I64 => Head::of_int(i64::from_le_bytes(self.input.fixed()?)),
            Kind::F32 => Head::F32(f32::from_le_bytes(self.input.fixed()?)),
            Kind::F64 => Head::F64(f64::from_le_bytes(self.input.fixed()?)),
            Kind::Bool => match self.input.byte()? {
                0 => Head::Bool(false),
                1 => Head::Bool(true),
                _ => return Err(DecodeError::new("a bool is neither 0 nor 1")),
            },
            Kind::Char => Head::Char(self.input.char()?),
            Kind::Name => Head::Str(self.name),
            Kind::Fields => Head::Fields(self.fields.ok_or_else(no_shape)?),
            Kind::Tagged | Kind::Optional | Kind::Unknown => return Err(no_shape()),
        })
    }

    fn shaped(&mut self) -> Result<Head<'s, 'de>, DecodeError> {
        let number = self.input.byte()?;
        let shapes = self.shapes.and_then(OnceCell::get);
        let shape = shapes.and_then(|shapes| shapes.get(number));
        let shape = shape.ok_or_else(no_shape)?;
        Ok(match shape.form {
            Form::Struct | Form::Tuple => Head::Fields(shape),
            Form::Unit => Head::Str(shape.name),
            _ => Head::Shaped(shape),
        })
    }

    /// Reads the shapes, which are at the end, and the head of the value that is the first to have one.
    #[cold]
    fn first_shaped(&mut self) -> Result<Head<'s, 'de>, DecodeError> {
        let distance = u64::from_le_bytes(self.input.fixed()?);
        let distance = usize::try_from(distance).map_err(|_| cut_short())?;
        let (rest, shapes) = self
            .input
            .rest
            .split_at_checked(distance)
            .ok_or_else(cut_short)?;
        self.input.rest = rest;
        let shapes = Shapes::read(shapes)?;
        let place = self.shapes.ok_or_else(no_shape)?;
        if place.set(shapes).is_err() {
            return Err(DecodeError::new("there are shapes for a second time"));
        }
        match self.input.byte()? {
            tag::SHAPE => self.shaped(),
            _ => Err(DecodeError::new("the first value of a shape has none")),
        }
    }

    fn column(&mut self, number: u8) -> Result<Head<'s, 'de>, DecodeError> {
        let kind = Kind::numbered(number).ok_or_else(no_shape)?;
        if kind == Kind::U8 {
            let len = self.input.len()?;
            return Ok(Head::U8Seq(self.input.bytes(len)?));
        }
        Ok(Head::Column(kind, self.count(kind.width())?))
    }

    /// A count of what takes so many bytes at least, each.
    fn count(&mut self, width: usize) -> Result<usize, DecodeError> {
        let count = self.input.len()?;
        match count.checked_mul(width) {
            Some(bytes) if bytes <= self.input.rest.len() => Ok(count),
            _ => Err(cut_short()),
        }
    }
}

impl Head<'_, '_> {
    /// What is not negative is unsigned, as behind a tag.
    fn of_int(value: i64) -> Self {
        match u64::try_from(value) {
            Ok(value) => Head::Uint(value),
            Err(_) => Head::Int(value),
        }
    }
}

#[cold]
fn no_shape() -> DecodeError {
    DecodeError::new("a value has a shape that there is not")
}
