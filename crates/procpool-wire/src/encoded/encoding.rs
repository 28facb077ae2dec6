//! A value where it was encoded.

use std::cell::Cell;
use std::mem;

use serde::Serialize;

use super::Payload;
use crate::Reserve;
use crate::value::attachment::Attachment;
use crate::value::{self, EncodeError};

/// What small arguments take, encoded: room for these is had at once, in place of a little at a time.
const SMALL: usize = 128;

/// Memory for the next encoding that has grown past this is given back: 4 KiB.
const KEPT: usize = 4096;

thread_local! {
    /// Where values are encoded; most are small, and copied from here.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// An encoded value in memory that its thread uses again, on its way to where it is to stay.
///
/// It gives the memory back when it is dropped.
///
/// ```
/// use procpool_wire::{Encoding, Payload};
///
/// let (mut encoding, mut payload) = (Encoding::new(), Payload::default());
/// encoding.encode(&"seven", Vec::reserve)?;
/// assert_eq!(encoding.len(), 6);
/// encoding.fill(&mut payload);
/// assert_eq!(payload.decode::<String>()?, "seven");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Encoding {
    bytes: Vec<u8>,
    attached: Vec<Attachment>,
}

impl Encoding {
    /// Of no value.
    #[must_use]
    #[inline]
    #[allow(
        clippy::new_without_default,
        reason = "it takes the one scratch memory of its thread"
    )]
    pub fn new() -> Self {
        // Whatever a `Serialize` does, who comes to this meanwhile finds other memory here.
        let mut bytes = SCRATCH.try_with(Cell::take).unwrap_or_default();
        bytes.reserve(SMALL);
        Encoding {
            bytes,
            attached: Vec::new(),
        }
    }

    /// Encodes a value to keep it.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn payload<T: Serialize>(value: &T, reserve: Reserve) -> Result<Payload, EncodeError> {
        let (mut encoding, mut payload) = (Encoding::new(), Payload::default());
        encoding.encode(value, reserve)?;
        encoding.fill(&mut payload);
        Ok(payload)
    }

    /// Encodes a value; the memory for much of it is had by `reserve`.
    ///
    /// # Errors
    /// As [`value::encode`].
    #[inline]
    pub fn encode<T: Serialize>(&mut self, value: &T, reserve: Reserve) -> Result<(), EncodeError> {
        value::encode_attaching(value, &mut self.bytes, reserve, Some(&mut self.attached))
    }

    /// Forgets the value, if there is one, of which there may be a part if its `Serialize` has panicked.
    #[inline]
    pub fn clear(&mut self) {
        self.attached.clear();
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.bytes.reserve(SMALL);
    }

    /// The value, if it takes few bytes and nothing beside them.
    #[must_use]
    #[inline]
    pub fn small(&self) -> Option<&[u8]> {
        (self.bytes.len() <= SMALL && self.attached.is_empty()).then_some(&self.bytes)
    }

    /// How many bytes there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Moves the value to where it is to stay; then there is none here.
    #[inline]
    pub fn fill(&mut self, payload: &mut Payload) {
        // Very many may wait, each in as much memory as it needs.
        match self.bytes.len() <= SMALL {
            true => payload.fill(&self.bytes),
            false => *payload = mem::take(&mut self.bytes).into(),
        }
        self.bytes.clear();
        if !self.attached.is_empty() {
            payload.attach(Ok(mem::take(&mut self.attached)));
        }
    }
}

impl Drop for Encoding {
    #[inline]
    fn drop(&mut self) {
        if self.bytes.capacity() <= KEPT {
            let mut bytes = mem::take(&mut self.bytes);
            bytes.clear();
            // Unless the thread is at its end.
            let _ = SCRATCH.try_with(|scratch| scratch.set(bytes));
        }
    }
}
