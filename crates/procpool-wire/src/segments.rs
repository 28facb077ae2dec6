//! Shared memory, as it is told of.

use bytes::BufMut;

use crate::fields::Fields;
use crate::frame::{self, FrameError};
use crate::{Frame, MessageError};

/// The kinds of a [`Segments`], down and up.
pub(crate) const DOWN: u8 = 8;
pub(crate) const UP: u8 = 136;

/// What one side says to the other of memory that they share. It comes right before a message with a
/// payload that has [attachments](crate::value::attachment), or by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segments {
    /// What is attached to the payload of the next message, in order.
    pub attached: Vec<Segment>,
    /// What the other side has lent and gets back: which, and how many times it was attached.
    pub returned: Vec<(u64, u64)>,
    /// What will not be attached again, so that nothing need be kept of it.
    pub forgotten: Vec<u64>,
}

/// One piece of shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// It is lent to the other side, until that returns it.
    Lent {
        /// Its name among all that this side lends; it stays the same when it is filled anew.
        id: u64,
        /// Its descriptor in this process.
        number: u32,
        /// Bytes of the whole.
        size: u64,
        /// Bytes of it that count, from the first on.
        len: u64,
    },
    /// It is the other side's own, by the name that it has there.
    Own(u64),
}

const LENT: u32 = 1;
const OWN: u32 = 2;

impl Segments {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attached.is_empty() && self.returned.is_empty() && self.forgotten.is_empty()
    }

    /// Appends the message, as a parent says it.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if it is more than a frame may hold.
    pub fn encode_down(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        self.encode(DOWN, out)
    }

    /// Appends the message, as a worker says it.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if it is more than a frame may hold.
    pub fn encode_up(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        self.encode(UP, out)
    }

    fn encode(&self, kind: u8, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let (attached, returned) = (self.attached.len(), self.returned.len());
        let body_len = 16 + 32 * attached + 16 * returned + 8 * self.forgotten.len();
        out.put_slice(&frame::header(kind, body_len)?);
        // None of these is more than what a frame holds.
        out.put_u32_le(attached as u32);
        out.put_u32_le(returned as u32);
        out.put_u32_le(self.forgotten.len() as u32);
        out.put_u32_le(0);
        for segment in &self.attached {
            let (id, kind, number, size, len) = match *segment {
                Segment::Lent {
                    id,
                    number,
                    size,
                    len,
                } => (id, LENT, number, size, len),
                Segment::Own(id) => (id, OWN, 0, 0, 0),
            };
            out.put_u64_le(id);
            out.put_u32_le(kind);
            out.put_u32_le(number);
            out.put_u64_le(size);
            out.put_u64_le(len);
        }
        for &(id, times) in &self.returned {
            out.put_u64_le(id);
            out.put_u64_le(times);
        }
        for &id in &self.forgotten {
            out.put_u64_le(id);
        }
        Ok(())
    }

    pub(crate) fn decode(frame: Frame) -> Result<Self, MessageError> {
        let mut fields = Fields::of(frame);
        let (attached, returned) = (fields.u32()?, fields.u32()?);
        let forgotten = fields.u32()?;
        fields.zeroes::<4>()?;
        // Nothing is reserved: each is pushed when it has been read.
        let mut segments = Segments::default();
        for _ in 0..attached {
            let (id, kind, number) = (fields.u64()?, fields.u32()?, fields.u32()?);
            let (size, len) = (fields.u64()?, fields.u64()?);
            segments.attached.push(match kind {
                LENT => Segment::Lent {
                    id,
                    number,
                    size,
                    len,
                },
                OWN if (number, size, len) == (0, 0, 0) => Segment::Own(id),
                OWN => return Err(MessageError::Reserved),
                found => {
                    return Err(MessageError::UnknownValue {
                        field: "segment",
                        found: found.into(),
                    });
                }
            });
        }
        for _ in 0..returned {
            segments.returned.push((fields.u64()?, fields.u64()?));
        }
        for _ in 0..forgotten {
            segments.forgotten.push(fields.u64()?);
        }
        fields.end()?;
        Ok(segments)
    }
}
