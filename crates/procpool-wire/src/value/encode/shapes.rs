//! The shapes of one encoding: what it has said once and refers to.

use std::ops::Range;

use super::put::{put_str, put_uint};
use crate::value::kind::Kind;
use crate::value::shape_form::Form;
use crate::value::tag;

/// Shapes have numbers below this one.
const NUMBERS: u8 = u8::MAX;

/// How many structs, tuples and variants are remembered that have come once.
const SEEN: usize = 4;

/// A field of a shape, or an element of a tuple, which has no name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

impl Slot {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn is_named(&self, name: &str) -> bool {
        is_same(self.name, name)
    }
}

impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.is_named(other.name)
    }
}

/// Whether two names are the same. They mostly are, in memory too.
#[cfg_attr(not(debug_assertions), inline(always))]
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && (one.as_ptr() == other.as_ptr() || one == other)
}

/// What a struct, a tuple or a variant is told by before its fields are known: the value that comes
/// probably has the shape of the last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) form: Form,
    /// Of the struct or the variant.
    pub(super) name: &'static str,
    word: usize,
}

impl Key {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn named(form: Form, name: &'static str) -> Self {
        let word = (name.as_ptr() as usize).wrapping_mul(8) | form as usize;
        Key { form, name, word }
    }

    /// Of a tuple of so many elements.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn tuple(len: usize) -> Self {
        Key {
            form: Form::Tuple,
            name: "",
            word: (len * 8) | Form::Tuple as usize,
        }
    }

    /// Whether values of both may have one shape.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn fits(&self, other: &Key) -> bool {
        self.form == other.form && (!self.form.is_variant() || is_same(self.name, other.name))
    }
}

/// The keys that have come once: the first value is written with its names, which is all there is to
/// most values.
#[derive(Debug, Default)]
pub(super) struct Seen {
    words: [usize; SEEN],
    count: usize,
}

impl Seen {
    /// Whether it has come before. From now on it has.
    #[inline]
    pub(super) fn note(&mut self, key: &Key) -> bool {
        let kept = self.count.min(SEEN);
        if self.words[..kept].contains(&key.word) {
            return true;
        }
        self.words[self.count % SEEN] = key.word;
        self.count += 1;
        false
    }
}

/// How a value is to be written that is not expected.
#[derive(Debug, Clone, Copy)]
pub(super) enum Prediction {
    /// In full: it comes for the first time, or there is no room for a shape.
    Nothing,
    /// By a shape that is to be found out.
    Shape,
}

#[derive(Debug)]
struct Shape {
    key: Key,
    start: usize,
    end: usize,
}

/// Where a shape that is being found out begins.
#[derive(Debug)]
struct Draft {
    key: Key,
    start: usize,
}

/// What the last value of a key was like.
#[derive(Debug, Clone, Copy)]
struct Latest {
    word: usize,
    /// `None` if it was written in full.
    number: Option<u8>,
}

#[derive(Debug)]
pub(super) struct Shapes {
    /// Of all shapes, one after the other.
    pub(super) slots: Vec<Slot>,
    /// Of those that are being found out, the innermost last.
    pub(super) drafts: Vec<Slot>,
    drafted: Vec<Draft>,
    shapes: Vec<Shape>,
    /// By the key.
    latest: [Latest; Self::PLACES],
    /// Values whose fields are being written: each may need another shape.
    open: usize,
    /// Where the output says how far away the shapes are.
    distance: usize,
}

impl Shapes {
    const PLACES: usize = 64;
    /// In so many places, from its own on, a key may stand.
    const PROBES: usize = 4;

    /// None yet, of an output that has got its [`SHAPES`](tag::SHAPES) here.
    #[cold]
    pub(super) fn new(seen: &Seen, out: &mut Vec<u8>) -> Self {
        out.push(tag::SHAPES);
        let distance = out.len();
        out.extend(0u64.to_le_bytes());
        let nothing = Latest {
            word: 0,
            number: None,
        };
        let mut shapes = Shapes {
            slots: Vec::with_capacity(16),
            drafts: Vec::with_capacity(16),
            drafted: Vec::with_capacity(4),
            shapes: Vec::with_capacity(4),
            latest: [nothing; Self::PLACES],
            open: 0,
            distance,
        };
        for &word in &seen.words[..seen.count.min(SEEN)] {
            shapes.place(word).word = word;
        }
        shapes
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn first_place(word: usize) -> usize {
        (word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) as usize >> (usize::BITS - 6)
    }

    /// Where a key stands, or is to stand.
    fn place(&mut self, word: usize) -> &mut Latest {
        let first = Self::first_place(word);
        let mut places = (first..first + Self::PROBES).map(|place| place % Self::PLACES);
        let place = places.find(|&place| {
            let found = self.latest[place].word;
            found == word || found == 0
        });
        &mut self.latest[place.unwrap_or(first)]
    }

    fn has_room(&self) -> bool {
        self.shapes.len() + self.open < NUMBERS.into()
    }

    /// The shape that the next value of this key is expected to have, and its slots. Then the value is open.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn expect(&mut self, key: &Key) -> Option<(u8, Range<usize>)> {
        let latest = self.latest[Self::first_place(key.word)];
        let number = match latest.word == key.word {
            true => latest.number?,
            false => self.place_elsewhere(key)?,
        };
        let shape = self.shapes.get(usize::from(number))?;
        if !shape.key.fits(key) || !self.has_room() {
            return None;
        }
        let slots = shape.start..shape.end;
        self.open += 1;
        Some((number, slots))
    }

    #[inline(never)]
    fn place_elsewhere(&mut self, key: &Key) -> Option<u8> {
        let latest = self.place(key.word);
        latest.number.filter(|_| latest.word == key.word)
    }

    /// How a value is to be written of whose key no shape is known.
    pub(super) fn predict(&mut self, key: &Key) -> Prediction {
        let has_room = self.has_room();
        let latest = self.place(key.word);
        if latest.word == key.word && has_room {
            return Prediction::Shape;
        }
        *latest = Latest {
            word: key.word,
            number: None,
        };
        Prediction::Nothing
    }

    /// Begins to find out a shape. The value is open.
    pub(super) fn begin(&mut self, key: Key) {
        self.open += 1;
        let start = self.drafts.len();
        self.drafted.push(Draft { key, start });
    }

    /// Begins to find out a shape that has the slots of this one before that place.
    #[cold]
    pub(super) fn branch(&mut self, number: u8, end: usize) {
        let start = self.drafts.len();
        let Some(shape) = self.shapes.get(usize::from(number)) else {
            return;
        };
        let slots = self.slots.get(shape.start..end).unwrap_or_default();
        self.drafts.extend_from_slice(slots);
        let key = shape.key;
        self.drafted.push(Draft { key, start });
    }

    /// A shape that has the slots of this one before that place, and then a field of this name: its number,
    /// its slots, and which of them is that field's.
    #[cold]
    pub(super) fn find(
        &mut self,
        number: u8,
        end: usize,
        name: &str,
    ) -> Option<(u8, Range<usize>, usize)> {
        let shape = self.shapes.get(usize::from(number))?;
        let begin = self.slots.get(shape.start..end)?;
        let fits = |other: &Shape| {
            let slots = &self.slots[other.start..other.end];
            other.key.fits(&shape.key)
                && slots.starts_with(begin)
                && slots
                    .get(begin.len())
                    .is_some_and(|slot| slot.is_named(name))
        };
        let found = self.shapes.iter().position(fits)?;
        let (word, place) = (shape.key.word, begin.len());
        let slots = self.shapes[found].start..self.shapes[found].end;
        self.remember(word, found as u8);
        let next = slots.start + place;
        Some((found as u8, slots, next))
    }

    /// The number of the innermost shape that was found out, which the next value of its key is expected to
    /// have.
    #[cold]
    pub(super) fn settle(&mut self) -> u8 {
        let Some(Draft { key, start }) = self.drafted.pop() else {
            return 0;
        };
        let drafted = self.drafts.get(start..).unwrap_or_default();
        let is_it =
            |shape: &Shape| shape.key.fits(&key) && self.slots[shape.start..shape.end] == *drafted;
        let number = self.shapes.iter().position(is_it).unwrap_or_else(|| {
            let start = self.slots.len();
            self.slots.extend_from_slice(drafted);
            let end = self.slots.len();
            self.shapes.push(Shape { key, start, end });
            self.shapes.len() - 1
        });
        self.drafts.truncate(start);
        // There is room for it, as was made sure when the value began.
        self.remember(key.word, number as u8);
        number as u8
    }

    fn remember(&mut self, word: usize, number: u8) {
        *self.place(word) = Latest {
            word,
            number: Some(number),
        };
    }

    /// A value that was open is written.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn close(&mut self) {
        self.open = self.open.wrapping_sub(1);
    }

    /// Some bytes of the output were replaced by so many.
    pub(super) fn moved(&mut self, old: &Range<usize>, new: usize) {
        if self.distance >= old.end {
            self.distance = self.distance - old.len() + new;
        }
    }

    /// Appends the shapes, and says where they are.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let behind = self.distance + size_of::<u64>();
        let distance = out.len().saturating_sub(behind) as u64;
        if let Some(place) = out.get_mut(self.distance..behind) {
            place.copy_from_slice(&distance.to_le_bytes());
        }
        out.push(self.shapes.len() as u8);
        for Shape { key, start, end } in &self.shapes {
            out.push(key.form as u8);
            if key.form.is_variant() {
                put_str(out, key.name);
            }
            put_uint(out, (end - start) as u64);
            for slot in &self.slots[*start..*end] {
                if key.form.has_names() {
                    put_str(out, slot.name);
                }
                out.push(slot.kind as u8);
            }
        }
    }
}
