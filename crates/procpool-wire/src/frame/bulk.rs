//! The bulk of one large frame, as it arrives.

use bytes::buf::Limit;
use bytes::{BufMut, Bytes};

/// Memory for a large frame is reserved up to this much, or for as much again as has arrived: 64 MiB.
///
/// Address space costs nothing, and pages are touched only when bytes arrive for them. So a peer
/// that announces a gigabyte and sends ten bytes costs a page, and the largest frames move a few times.
const MAX_RESERVE: usize = 64 << 20;

/// Makes room for as many bytes more behind what a vector has.
pub type Reserve = fn(&mut Vec<u8>, usize);

/// Bytes for which a frame has announced how many there will be.
///
/// They are in memory of their own, so that whoever gets them need not copy them.
#[derive(Debug)]
pub struct Bulk {
    bytes: Vec<u8>,
    /// How many there are in the end.
    whole: usize,
    reserve: Reserve,
}

impl Bulk {
    /// Nothing has arrived yet.
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

    /// Where the next bytes go, `most` of them and none that comes after these: a part of the stream that has
    /// arrived is to be put there.
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
