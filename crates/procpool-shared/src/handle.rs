//! The memory behind shared bytes, and who must be told when it is not used any more.

use std::mem;
use std::sync::Weak;

use parking_lot::Mutex;
use procpool_os::SegmentReader;
use procpool_wire::value::attachment::Attach;

use crate::cache::{self, OwnSegment};
use crate::notices::{self, Notices};

/// Bytes that don't change as long as there is a handle to them.
#[derive(Debug)]
pub(crate) struct Handle {
    memory: Memory,
    len: usize,
}

#[derive(Debug)]
pub(crate) enum Memory {
    /// A segment of this process.
    Own(OwnSegment),
    /// A segment of another process.
    Borrowed(Borrowed),
    /// Ordinary memory: the system refused shared memory, or the bytes came as a copy.
    Unshared(Vec<u8>),
}

/// A segment of another process, mapped for reading.
#[derive(Debug)]
pub(crate) struct Borrowed {
    /// The id under which this process lends it on.
    pub(crate) id: u64,
    pub(crate) reader: SegmentReader,
    /// The notices for the segment's owner.
    pub(crate) owner: Weak<Notices>,
    /// The id under which its owner lends it.
    pub(crate) owner_id: u64,
    /// How many times the owner has attached it since this handle was made.
    pub(crate) times: Mutex<u64>,
}

impl Handle {
    /// A handle to the first `len` bytes of the memory, which has at least as many.
    pub(crate) fn new(memory: Memory, len: usize) -> Self {
        Handle { memory, len }
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        let all = match &self.memory {
            Memory::Own(own) => own.segment.as_slice(),
            Memory::Borrowed(borrowed) => &borrowed.reader,
            Memory::Unshared(bytes) => bytes,
        };
        &all[..self.len.min(all.len())]
    }
}

impl Attach for Handle {
    fn bytes(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        match mem::replace(&mut self.memory, Memory::Unshared(Vec::new())) {
            Memory::Own(own) => cache::put(own),
            Memory::Borrowed(borrowed) => {
                notices::forget_everywhere(borrowed.id);
                let size = borrowed.reader.view().size();
                // Before the owner hears of it, and fills the segment again.
                drop(borrowed.reader);
                if let Some(owner) = borrowed.owner.upgrade() {
                    owner.give_back(borrowed.owner_id, borrowed.times.into_inner(), size);
                }
            }
            Memory::Unshared(_) => {}
        }
    }
}
