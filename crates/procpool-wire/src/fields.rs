//! Fields at the front of a body, read without trusting that they are there.

use bytes::{Buf, Bytes};

use crate::{Frame, MessageError, Payload};

/// Takes fields from the front of a body; the rest is the payload.
pub(crate) struct Fields {
    rest: Bytes,
    bulk: Option<Bytes>,
}

impl Fields {
    pub(crate) fn of(frame: Frame) -> Self {
        match frame.bulk {
            // Nothing leads a bulk that is all of the message.
            Some(bulk) if frame.body.is_empty() => Fields {
                rest: bulk,
                bulk: None,
            },
            bulk => Fields {
                rest: frame.body,
                bulk,
            },
        }
    }

    /// The next words, of which the lowest byte comes first.
    pub(crate) fn words<const N: usize>(&mut self) -> Result<[u64; N], MessageError> {
        let (words, _) = split_words(&self.rest)?;
        self.rest.advance(N * size_of::<u64>());
        Ok(words)
    }

    /// All that follows.
    pub(crate) fn payload(self) -> Payload {
        Payload::of_parts(self.rest, self.bulk)
    }

    /// Nothing may follow.
    pub(crate) fn end(self) -> Result<(), MessageError> {
        match self.rest.is_empty() && self.bulk.is_none() {
            true => Ok(()),
            false => Err(MessageError::TrailingBytes),
        }
    }
}

/// Words at the front of a body, of which the lowest byte comes first, and the rest.
#[inline]
pub(crate) fn split_words<const N: usize>(body: &[u8]) -> Result<([u64; N], &[u8]), MessageError> {
    let (words, _) = body.as_chunks();
    let words = words.first_chunk::<N>().ok_or(MessageError::Truncated)?;
    let rest = &body[size_of_val(words)..];
    Ok((words.map(u64::from_le_bytes), rest))
}
