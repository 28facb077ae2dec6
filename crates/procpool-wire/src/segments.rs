//! What two processes tell each other about the memory that they share.

use crate::MessageError;
use crate::fields::Fields;
use crate::frame::FrameError;
use crate::head::{HEADER, Head};
use crate::kind::{SEGMENTS_DOWN, SEGMENTS_UP};

/// What one side tells the other about shared memory. It precedes a message whose payload has
/// [attachments](crate::value::attachment), or is sent alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segments {
    /// The attachments of the next message's payload, in order.
    pub attached: Vec<Segment>,
    /// Segments of the receiver that are given back: the id, and how many times it was attached.
    pub returned: Vec<(u64, u64)>,
    /// Ids that will not be attached again, so that the receiver can drop its mappings.
    pub forgotten: Vec<u64>,
}

/// One piece of shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// A segment of the sender, lent to the receiver until it is returned.
    Lent {
        /// Its id among the sender's segments, which it keeps when it is filled again.
        id: u64,
        /// The number of its descriptor in the sender's process.
        number: u32,
        /// Its size in bytes.
        size: u64,
        /// The number of bytes that are attached, from the first on.
        len: u64,
    },
    /// A segment of the receiver, by the id that it has there.
    Own(u64),
}

const LENT: u32 = 1;
const OWN: u32 = 2;

impl Segments {
    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attached.is_empty() && self.returned.is_empty() && self.forgotten.is_empty()
    }

    /// Appends the message of a parent.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if it is more than a frame may hold.
    pub fn encode_down(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        self.encode(SEGMENTS_DOWN, out)
    }

    /// Appends the message of a worker.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] if it is more than a frame may hold.
    pub fn encode_up(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        self.encode(SEGMENTS_UP, out)
    }

    fn encode(&self, kind: u8, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let mut body = Vec::new();
        let mut put = |words: &[u64]| body.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        // None of these is more than what a frame holds.
        let [attached, returned] = [self.attached.len(), self.returned.len()].map(|len| len as u64);
        put(&[attached | returned << 32, self.forgotten.len() as u64]);
        self.attached
            .iter()
            .for_each(|segment| put(&segment.words()));
        self.returned
            .iter()
            .for_each(|&(id, times)| put(&[id, times]));
        put(&self.forgotten);
        // The counts are part of the body: what leads the bulk of a large frame would be apart from the lists.
        Head::new(kind, [HEADER], &body[..])?.put_with(&body[..], out);
        Ok(())
    }

    pub(crate) fn decode(mut fields: Fields) -> Result<Self, MessageError> {
        let [attached_returned, forgotten] = fields.words()?;
        let (attached, returned) = (attached_returned as u32, attached_returned >> 32);
        let forgotten = u32::try_from(forgotten).map_err(|_| MessageError::Reserved)?;
        // Nothing is reserved: each is pushed when it has been read.
        let mut segments = Segments::default();
        for _ in 0..attached {
            segments.attached.push(Segment::of_words(fields.words()?)?);
        }
        for _ in 0..returned {
            let [id, times] = fields.words()?;
            segments.returned.push((id, times));
        }
        for _ in 0..forgotten {
            let [id] = fields.words()?;
            segments.forgotten.push(id);
        }
        fields.end()?;
        Ok(segments)
    }
}

impl Segment {
    /// The segment in a message: its id, the form and the descriptor's number, the size, and the length.
    fn words(self) -> [u64; 4] {
        match self {
            Segment::Lent {
                id,
                number,
                size,
                len,
            } => [id, u64::from(LENT) | u64::from(number) << 32, size, len],
            Segment::Own(id) => [id, OWN.into(), 0, 0],
        }
    }

    fn of_words([id, form, size, len]: [u64; 4]) -> Result<Self, MessageError> {
        let number = (form >> 32) as u32;
        match form as u32 {
            LENT => Ok(Segment::Lent {
                id,
                number,
                size,
                len,
            }),
            OWN if (number, size, len) == (0, 0, 0) => Ok(Segment::Own(id)),
            OWN => Err(MessageError::Reserved),
            found => Err(MessageError::UnknownValue {
                field: "segment",
                found: found.into(),
            }),
        }
    }
}
