//! The bulk of one large frame, as it arrives.

use bytes::buf::Limit;
use bytes::{BufMut, Bytes};

/// The most memory that is reserved for a large frame before its bytes arrive: 64 MiB, or as much as has arrived.
///
/// Reserved memory is only address space until bytes are written to it. So a peer that announces a gigabyte and sends
/// ten bytes costs one page, and the largest frames are moved a few times.
const MAX_RESERVE: usize = 64 << 20;

/// Reserves room for so many more bytes at the end of a vector.
pub type Reserve = fn(&mut Vec<u8>, usize);

/// The bulk of a large frame, in memory of its own, so that it becomes a value without a copy.
#[derive(Debug)]
pub struct Bulk {
    bytes: Vec<u8>,
    /// The length that the frame's header announces.
    whole: usize,
    reserve: Reserve,
}

impl Bulk {
    /// A bulk of which nothing has arrived.
    pub(crate) fn new(whole: usize, reserve: Reserve) -> Self {
        Bulk {
            bytes: Vec::new(),
            whole,
            reserve,
        }
    }

    /// How many bytes are still to come.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.whole - self.bytes.len()
    }

    /// The place for the next bytes of the stream: at most `most`, and none beyond the end of the bulk.
    pub fn room(&mut self, most: usize) -> Limit<&mut dyn BufMut> {
        let missing = self.missing();
        let bytes = &mut self.bytes;
        if bytes.capacity() == bytes.len() {
            let growth = bytes.len().max(MAX_RESERVE);
            (self.reserve)(bytes, missing.min(growth));
        }
        let room = bytes.capacity() - bytes.len();
        (bytes as &mut dyn BufMut).limit(room.min(missing).min(most))
    }

    /// How many bytes have arrived.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How many bytes of memory are held for them.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes.into()
    }
}
