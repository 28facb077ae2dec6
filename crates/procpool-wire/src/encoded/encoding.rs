//! A value in the buffer in which it was encoded.

use std::cell::Cell;
use std::mem;

use serde::Serialize;

use super::Payload;
use crate::Reserve;
use crate::value::attachment::Attachment;
use crate::value::{self, EncodeError};

/// The most bytes of a small value: 128. Room for as many is reserved at once, so that encoding it never grows the buffer.
const SMALL: usize = 128;

/// A thread's buffer that has grown beyond this is freed: 4 KiB.
const KEPT: usize = 4096;

thread_local! {
    /// The buffer of this thread, in which values are encoded. Most are small, and are copied from here.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// An encoded value in a buffer that its thread uses again and again, so that encoding a small value allocates nothing.
///
/// Dropping it gives the buffer back.
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
    /// An empty buffer.
    #[must_use]
    #[inline]
    #[allow(
        clippy::new_without_default,
        reason = "it takes the one scratch memory of its thread"
    )]
    pub fn new() -> Self {
        // A `Serialize` that encodes a value itself finds no buffer here, and gets a new one.
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

    /// Encodes a value. Memory for a large one is reserved by `reserve`.
    ///
    /// # Errors
    /// As [`value::encode`].
    #[inline]
    pub fn encode<T: Serialize>(&mut self, value: &T, reserve: Reserve) -> Result<(), EncodeError> {
        value::encode_attaching(value, &mut self.bytes, reserve, Some(&mut self.attached))
    }

    /// Drops the value, or the part of it that was written before its `Serialize` panicked.
    #[inline]
    pub fn clear(&mut self) {
        self.attached.clear();
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.bytes.reserve(SMALL);
    }

    /// The value, if it is small and has no attachments.
    #[must_use]
    #[inline]
    pub fn small(&self) -> Option<&[u8]> {
        (self.bytes.len() <= SMALL && self.attached.is_empty()).then_some(&self.bytes)
    }

    /// The number of bytes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Moves the value into a payload.
    #[inline]
    pub fn fill(&mut self, payload: &mut Payload) {
        // Very many payloads may wait, so a small one gets no more memory than it needs.
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
