//! A value that has parts, while they are written.

use serde::Serialize;

use super::encoder::{Count, Encoder};
use super::shapes::Key;
use crate::value::error::EncodeError;
use crate::value::kind::Kind;
use crate::value::shape_form::Form;
use crate::value::tag;

/// A struct, a tuple, a variant, a sequence or a map, as its parts are written.
///
/// What is known of it is a copy that the rare cases are given and give back. So the compiler can keep it in
/// registers, which matters: a processor that is to load in one piece what it has just stored in several waits.
#[derive(Debug)]
pub(in crate::value) struct Compound<'e, 'o> {
    pub(super) encoder: &'e mut Encoder<'o>,
    pub(super) open: Open,
}

/// A value whose parts are being written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) mode: Mode,
    /// Of all parts of a value in full.
    pub(super) kind: Kind,
    /// The number of the expected shape.
    pub(super) number: u8,
    /// Where the value's tag is; of a value in full, where its count is.
    pub(super) at: usize,
    /// The slot that the next part is expected in. Of a value in full, how many parts were written.
    pub(super) next: usize,
    /// The end of the slots of the expected shape. Of a value in full, how many parts were announced.
    pub(super) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Without a shape. The tag is before the count.
    Full,
    /// All has been as the shape says.
    Shaped,
    /// The shape is being found out; it is the innermost draft.
    Drafted,
}

impl Open {
    /// A value in full, with so many parts of this kind.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn full(kind: Kind, count: Count) -> Self {
        Open {
            mode: Mode::Full,
            kind,
            number: 0,
            at: count.at,
            next: 0,
            end: count.announced,
        }
    }
}

impl<'o> Encoder<'o> {
    /// Begins a struct, a tuple or a variant of so many fields.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn fields(&mut self, key: Key, len: usize) -> Result<Compound<'_, 'o>, EncodeError> {
        self.enter()?;
        if key.form.has_inner_level() {
            self.enter()?;
        }
        if let Some(shapes) = &mut self.shapes
            && let Some((number, slots)) = shapes.expect(&key)
        {
            let at = self.out.len();
            self.out.extend_from_slice(&[tag::SHAPE, number]);
            let open = Open {
                mode: Mode::Shaped,
                kind: Kind::Tagged,
                number,
                at,
                next: slots.start,
                end: slots.end,
            };
            return Ok(Compound {
                encoder: self,
                open,
            });
        }
        let (mode, at) = self.unexpected(key, len);
        let open = Open {
            mode,
            kind: Kind::Tagged,
            number: 0,
            at,
            next: 0,
            end: if mode == Mode::Full { len } else { 0 },
        };
        Ok(Compound {
            encoder: self,
            open,
        })
    }

    /// The kind of the next slot of the expected shape, if it is of this name.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn expected(&self, open: Open, name: &'static str) -> Option<Kind> {
        if open.next >= open.end {
            return None;
        }
        let slot = self.shapes.as_ref()?.slots.get(open.next)?;
        slot.is_named(name).then_some(slot.kind)
    }
}

impl Compound<'_, '_> {
    /// Writes the next field of a struct, or the next part of anything else, which has no name.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn part<T: Serialize + ?Sized>(
        &mut self,
        name: Option<&'static str>,
        value: &T,
    ) -> Result<(), EncodeError> {
        let expected = self.expect(name);
        self.encoder.slot = expected;
        value.serialize(&mut *self.encoder)?;
        self.open.next += 1;
        if self.encoder.slot != expected || self.open.mode == Mode::Drafted {
            let written = self.encoder.slot;
            let name = name.unwrap_or_default();
            self.open = self.encoder.note(self.open, name, expected, written);
        }
        Ok(())
    }

    /// Leaves a field out.
    pub(super) fn skip(&mut self, name: &'static str) {
        if self.open.mode == Mode::Full {
            return;
        }
        let expected = self.expect(Some(name));
        self.encoder.out.push(tag::ABSENT);
        self.open.next += 1;
        if expected != Kind::Optional || self.open.mode == Mode::Drafted {
            let noted = self
                .encoder
                .note(self.open, name, Kind::Unknown, Kind::Optional);
            self.open = noted;
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn expect(&mut self, name: Option<&'static str>) -> Kind {
        if self.open.mode == Mode::Full {
            if let Some(name) = name {
                self.encoder.str(name);
            }
            return self.open.kind;
        }
        let name = name.unwrap_or_default();
        if let Some(kind) = self.encoder.expected(self.open, name) {
            return kind;
        }
        let (open, kind) = self.encoder.diverge(self.open, name);
        self.open = open;
        kind
    }

    /// Ends the value, which is of this form if it may have a shape.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn end(self, form: Option<Form>) {
        let Compound { encoder, open } = self;
        if open.mode == Mode::Full {
            if form != Some(Form::Newtype) {
                let count = Count {
                    at: open.at,
                    announced: open.end,
                };
                encoder.correct_count(count, open.next);
            }
        } else {
            if open.mode == Mode::Drafted || open.next != open.end {
                encoder.settle(open.mode, open.number, open.at, open.next);
            }
            if let Some(shapes) = &mut encoder.shapes {
                shapes.close();
            }
        }
        encoder.leave();
        if form.is_some_and(Form::has_inner_level) {
            encoder.leave();
        }
        encoder.slot = Kind::Tagged;
    }
}
