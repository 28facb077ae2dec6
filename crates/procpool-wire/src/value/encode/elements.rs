//! Sequences: a column of bare scalars as long as all elements are of one kind, and tagged ones otherwise.

use serde::Serialize;

use super::compound::{Compound, Open};
use super::encoder::{Count, Encoder, RESERVE_MAX};
use super::place::Place;
use super::put::{put_fixed, put_int, put_uint};
use crate::value::error::EncodeError;
use crate::value::kind::Kind;
use crate::value::tag;

/// The same for an iterator of scalars, which announces what it has exactly: 64 MiB. What it then does
/// not have is address space that nobody touches.
const RESERVE_COLUMN_MAX: usize = 64 << 20;

/// So many scalars of an iterator are made room for and written at once: 32 Ki, a number that is as narrow as it
/// can be. What is counted beside each scalar decides how many of them the compiler copies in a step.
const PART: u16 = 32 << 10;

impl<'o> Encoder<'o> {
    /// Begins a sequence.
    #[inline]
    pub(super) fn elements(
        &mut self,
        kind: Kind,
        announced: usize,
    ) -> Result<Compound<'_, 'o>, EncodeError> {
        self.enter()?;
        self.out.push(match kind.is_scalar() {
            true => tag::column(kind),
            false => tag::SEQ,
        });
        let count = self.count(announced);
        Ok(Compound {
            encoder: self,
            open: Open::full(kind, count),
        })
    }

    /// The last element is of another kind than those before, or it is the first.
    #[cold]
    pub(super) fn note_element(&mut self, mut open: Open, kind: Kind) -> Open {
        if open.kind == Kind::Unknown {
            if kind.is_scalar() {
                self.out[open.at - 1] = tag::column(kind);
                let more = open.end.saturating_mul(kind.width());
                self.out.reserve(more.min(RESERVE_MAX));
            }
        } else {
            self.tag_column(open);
        }
        open.kind = kind;
        open
    }

    /// What has been a column until the last element becomes a sequence of tagged ones.
    fn tag_column(&mut self, open: Open) {
        let width = open.kind.width();
        let body = open.at + Count::width(open.end);
        let column = body..body + (open.next - 1) * width;
        let mut tagged = Vec::with_capacity(column.len());
        for scalar in self.out[column.clone()].chunks_exact(width) {
            put_tagged(&mut tagged, open.kind, scalar);
        }
        self.out[open.at - 1] = tag::SEQ;
        self.replace(column, tagged);
    }
}

impl Compound<'_, '_> {
    /// Writes scalars, as many as their iterator says at least that it has. It may lie; what is left of it is to
    /// be written one by one.
    #[inline]
    pub(super) fn scalars<T: Serialize, const N: usize>(
        &mut self,
        items: &mut impl Iterator<Item = T>,
    ) -> Result<(), EncodeError> {
        let mut left = self.open.end;
        while left > 0 {
            let out = &mut *self.encoder.out;
            let begin = out.len();
            let part = left.min(PART.into());
            if out.capacity() - begin < part * N {
                // As much again as has come: the iterator is not trusted with more. What follows is mostly
                // little, which should not have all of this moved.
                let room = left.saturating_mul(N).min(begin.max(RESERVE_COLUMN_MAX));
                (self.encoder.reserve)(out, room + room / 4096);
            }
            out.resize(begin + part * N, 0);
            let (places, _) = out[begin..].as_chunks_mut::<N>();
            let mut written = 0u16;
            for (place, item) in places.iter_mut().zip(&mut *items) {
                item.serialize(Place(place))?;
                written += 1;
            }
            let written = usize::from(written);
            self.open.next += written;
            if written < part {
                out.truncate(begin + written * N);
                return Ok(());
            }
            left -= part;
        }
        Ok(())
    }
}

/// Puts a scalar of a column behind its tag.
fn put_tagged(out: &mut Vec<u8>, kind: Kind, scalar: &[u8]) {
    let mut word = [0; 8];
    word[..scalar.len()].copy_from_slice(scalar);
    let bits = u64::from_le_bytes(word);
    let half = (bits as u32).to_le_bytes();
    match kind {
        Kind::I8 => put_int(out, i64::from(bits as i8)),
        Kind::I16 => put_int(out, i64::from(bits as i16)),
        Kind::I32 => put_int(out, i64::from(bits as i32)),
        Kind::I64 => put_int(out, bits as i64),
        Kind::Bool if bits == 0 => out.push(tag::FALSE),
        Kind::Bool => out.push(tag::TRUE),
        Kind::Char => put_fixed(out, tag::CHAR, half),
        Kind::F32 => put_fixed(out, tag::F32, half),
        Kind::F64 => put_fixed(out, tag::F64, word),
        _ => put_uint(out, bits),
    }
}
