//! What keeps shared memory as it is.

use std::mem;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use procpool_os::SegmentView;
use procpool_wire::value::attachment::Attach;

use crate::cache::{self, Named};
use crate::peer::{self, Peer};

/// Some bytes. As long as there is a handle they don't change.
#[derive(Debug)]
pub(crate) struct Handle {
    memory: Memory,
    len: usize,
}

#[derive(Debug)]
pub(crate) enum Memory {
    /// Filled by this process; `None` only while it is dropped.
    Own(Option<Named>),
    Borrowed(Borrowed),
    /// Not shared at all, for want of what that takes, or since it came as plain bytes.
    Plain(Vec<u8>),
}

/// Filled by another process.
#[derive(Debug)]
pub(crate) struct Borrowed {
    /// Its name when this process lends it on.
    pub(crate) id: u64,
    pub(crate) view: Arc<SegmentView>,
    /// From whom, and its name there.
    pub(crate) peer: Weak<Peer>,
    pub(crate) their_id: u64,
    /// How many times it came since this handle is there.
    pub(crate) times: Mutex<u64>,
}

impl Handle {
    /// The first `len` bytes, which must be there.
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
            Memory::Own(Some(named)) => named.segment.as_slice(),
            Memory::Own(None) => &[],
            Memory::Borrowed(borrowed) => borrowed.view.as_slice(),
            Memory::Plain(bytes) => bytes,
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
        match &mut self.memory {
            Memory::Own(named) => {
                if let Some(named) = named.take() {
                    cache::put(named);
                }
            }
            Memory::Borrowed(borrowed) => {
                // Others have it by a name that nothing stands behind any more.
                peer::forget_everywhere(borrowed.id);
                let times = mem::take(borrowed.times.get_mut());
                if let Some(peer) = borrowed.peer.upgrade() {
                    peer.give_back(borrowed.their_id, times, borrowed.view.as_slice().len());
                }
            }
            Memory::Plain(_) => {}
        }
    }
}
