//! Structs, tuples and enum variants that are not as expected: the first ones, and those that differ.

use super::compound::{Mode, Open};
use super::encoder::Encoder;
use super::shapes::{Key, Prediction, Shapes, Slot};
use crate::value::error::EncodeError;
use crate::value::kind::Kind;
use crate::value::shape_form::Form;
use crate::value::tag;

impl Encoder<'_> {
    /// Begins a value that none has been like, or only one. Where its tag is, or its count.
    #[inline(never)]
    pub(super) fn unexpected(&mut self, key: Key, len: usize) -> (Mode, usize) {
        match self.prediction(&key) {
            Prediction::Nothing => (Mode::Full, self.full(&key, len)),
            Prediction::Shape => {
                let at = self.out.len();
                self.out.extend_from_slice(&[tag::SHAPE, 0]);
                if let Some(shapes) = &mut self.shapes {
                    shapes.begin(key);
                }
                (Mode::Drafted, at)
            }
        }
    }

    fn prediction(&mut self, key: &Key) -> Prediction {
        match &mut self.shapes {
            Some(shapes) => shapes.predict(key),
            None if self.seen.note(key) => {
                self.shapes = Some(Box::new(Shapes::new(&self.seen, self.out)));
                Prediction::Shape
            }
            None => Prediction::Nothing,
        }
    }

    /// Writes what comes before fields in full. Where their count is.
    fn full(&mut self, key: &Key, len: usize) -> usize {
        if key.form.is_variant() {
            self.out.push(tag::VARIANT);
            self.str(key.name);
        }
        if key.form == Form::Newtype {
            return self.out.len();
        }
        let has_names = key.form.has_names();
        self.out.push(if has_names { tag::MAP } else { tag::SEQ });
        self.count(len).at
    }

    /// Writes a variant without content.
    #[inline]
    pub(super) fn unit_variant(&mut self, variant: &'static str) -> Result<(), EncodeError> {
        let key = Key::named(Form::Unit, variant);
        let expected = self.shapes.as_mut().and_then(|shapes| shapes.expect(&key));
        match (expected, &mut self.shapes) {
            (Some((number, _)), Some(shapes)) => {
                shapes.close();
                self.out.extend_from_slice(&[tag::SHAPE, number]);
                self.slot = Kind::Tagged;
            }
            _ => self.unexpected_unit_variant(key),
        }
        Ok(())
    }

    #[inline(never)]
    fn unexpected_unit_variant(&mut self, key: Key) {
        match (self.prediction(&key), &mut self.shapes) {
            (Prediction::Shape, Some(shapes)) => {
                shapes.begin(key);
                let number = shapes.settle();
                shapes.close();
                self.out.extend_from_slice(&[tag::SHAPE, number]);
                self.slot = Kind::Tagged;
            }
            _ => self.str(key.name),
        }
    }

    /// What the kind of a field is expected to be that is not the expected one.
    #[inline(never)]
    pub(super) fn diverge(&mut self, mut open: Open, name: &'static str) -> (Open, Kind) {
        let Some(shapes) = &mut self.shapes else {
            return (open, Kind::Tagged);
        };
        if open.mode == Mode::Shaped {
            // A shape that begins as the expected one, and goes on with this field.
            if let Some((number, slots, next)) = shapes.find(open.number, open.next, name) {
                self.out[open.at + 1] = number;
                open.number = number;
                open.next = next;
                open.end = slots.end;
                return (open, shapes.slots[next].kind);
            }
            shapes.branch(open.number, open.next);
            open.mode = Mode::Drafted;
        }
        // Fields may have been left out without a word.
        let rest = shapes.slots.get(open.next..open.end).unwrap_or_default();
        let place = rest.iter().position(|slot| slot.is_named(name));
        match place.filter(|_| !name.is_empty()) {
            Some(place) => {
                open.next += place;
                (open, shapes.slots[open.next].kind)
            }
            None => {
                open.end = open.next;
                (open, Kind::Unknown)
            }
        }
    }

    /// The part before the next one was written another way than was expected, or there is no shape yet.
    #[inline(never)]
    pub(super) fn note(
        &mut self,
        mut open: Open,
        name: &'static str,
        expected: Kind,
        written: Kind,
    ) -> Open {
        if open.mode == Mode::Full {
            return self.note_element(open, written);
        }
        let Some(shapes) = &mut self.shapes else {
            return open;
        };
        if open.mode == Mode::Shaped {
            if expected == Kind::Optional {
                return open;
            }
            shapes.branch(open.number, open.next - 1);
            open.mode = Mode::Drafted;
        }
        let kind = match (expected, written) {
            (Kind::Optional, _) => Kind::Optional,
            (_, Kind::Unknown) => Kind::Tagged,
            (_, written) => written,
        };
        shapes.drafts.push(Slot { name, kind });
        open
    }

    /// Ends a value that is not as its shape says, or that has a draft.
    #[inline(never)]
    pub(super) fn settle(&mut self, mode: Mode, number: u8, at: usize, next: usize) {
        if let Some(shapes) = &mut self.shapes {
            if mode == Mode::Shaped {
                shapes.branch(number, next);
            }
            self.out[at + 1] = shapes.settle();
        }
    }
}
