//! The process at the other end of one connection, as far as shared memory goes.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use procpool_os::{SegmentError, SegmentReader, SegmentView};
use procpool_wire::value::attachment::Attachment;
use procpool_wire::{Segment, Segments};

use crate::handle::{Borrowed, Handle, Memory};
use crate::notices::Notices;
use crate::segment_id;

/// The most segments of one process that this process keeps mapped: 1024. Each takes a descriptor.
const MAX_MAPPED: usize = 1024;

/// What one process was lent, and what it lent.
///
/// [`lend`](Peer::lend) may be called where nothing may wait: while its lock is held no system call is made, no
/// handle is dropped, and no loop runs over what the other process has sent.
pub struct Peer {
    pid: u32,
    state: Mutex<State>,
    notices: Arc<Notices>,
}

#[derive(Debug, Default)]
struct State {
    /// By id: what the other process holds of this one's segments, and how many times each was attached.
    lent: HashMap<u64, (Arc<Handle>, u64)>,
    /// By the owner's id: segments of the other process that are mapped here.
    mapped: HashMap<u64, Mapped>,
    has_ended: bool,
}

/// A segment of the other process that is mapped here.
#[derive(Debug, Clone)]
struct Mapped {
    view: Arc<SegmentView>,
    /// The handle to it, if it is in use.
    handle: Weak<Handle>,
}

/// What a [`Segments`] message brings.
#[derive(Debug, Default)]
pub struct Received {
    /// What is attached to the next payload, or why it is not available.
    pub attached: Option<Result<Vec<Attachment>, String>>,
}

/// Maps the segment of the other process that has this descriptor number and this size.
type Open<'a> = dyn Fn(u32, u64) -> Result<SegmentView, SegmentError> + 'a;

/// Why a segment that was lent can't be used.
#[derive(Debug)]
enum Unusable {
    /// The other process broke the protocol.
    Violation(String),
    /// The system is short of something, or the other process has ended.
    Unavailable { id: u64, why: String },
}

impl Peer {
    /// The process `pid`, to which nothing was lent yet. `wake` is called when a notice should be sent at once, by
    /// a [`lend`](Peer::lend).
    pub fn new(pid: u32, wake: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Peer {
            pid,
            state: Mutex::default(),
            notices: Notices::new(Box::new(wake)),
        })
    }

    /// Whether there is something to send even with a message that has no attachments.
    #[must_use]
    #[inline]
    pub fn has_notices(&self) -> bool {
        self.notices.is_pending()
    }

    /// Lends what is attached to a payload. Returns the message that must be sent before the payload, if any.
    ///
    /// It doesn't wait for a system call of another thread.
    #[must_use]
    pub fn lend(&self, attached: &[Attachment]) -> Option<Segments> {
        if attached.is_empty() && !self.has_notices() {
            return None;
        }
        let attached = self.attach_all(attached)?;
        let (returned, forgotten) = self.notices.take();
        let segments = Segments {
            attached,
            returned,
            forgotten,
        };
        (!segments.is_empty()).then_some(segments)
    }

    /// `None` if the connection has ended.
    fn attach_all(&self, attached: &[Attachment]) -> Option<Vec<Segment>> {
        let handles: Vec<_> = attached.iter().filter_map(handle).collect();
        let mut state = self.state.lock();
        if state.has_ended {
            return None;
        }
        // No handle is the last one here: `attached` has them all.
        let handles = handles.into_iter();
        let segments = handles.filter_map(|handle| self.attach(&mut state, handle));
        Some(segments.collect())
    }

    fn attach(&self, state: &mut State, handle: Arc<Handle>) -> Option<Segment> {
        let (id, number, size) = match handle.memory() {
            Memory::Own(own) => (own.id, own.segment.number(), own.segment.size()),
            Memory::Borrowed(borrowed) if self.is_owner(borrowed) => {
                return Some(Segment::Own(borrowed.owner_id));
            }
            Memory::Borrowed(borrowed) => {
                let view = borrowed.reader.view();
                (borrowed.id, view.number(), view.size())
            }
            // Unshared bytes are never attached.
            Memory::Unshared(_) => return None,
        };
        let len = handle.len() as u64;
        self.notices.note_lent(id);
        state.lent.entry(id).or_insert((handle, 0)).1 += 1;
        Some(Segment::Lent {
            id,
            number,
            size: size as u64,
            len,
        })
    }

    fn is_owner(&self, borrowed: &Borrowed) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.notices), borrowed.owner.as_ptr())
    }

    /// Takes a message of the other process. Maps segments, and drops handles: nothing that a caller of
    /// [`lend`](Peer::lend) needs may be locked.
    ///
    /// # Errors
    /// In one line, how the other process broke the protocol.
    pub fn receive(&self, segments: Segments) -> Result<Received, String> {
        self.receive_with(segments, &|number, size| {
            SegmentView::open(self.pid, number, size)
        })
    }

    fn receive_with(&self, segments: Segments, open: &Open<'_>) -> Result<Received, String> {
        let attached = match segments.attached.is_empty() {
            true => None,
            false => Some(self.borrow_all(segments.attached, open)?),
        };
        for (id, times) in segments.returned {
            drop(self.take_back(id, times)?);
        }
        for id in segments.forgotten {
            drop(self.unmap(id));
        }
        Ok(Received { attached })
    }

    fn borrow_all(
        &self,
        attached: Vec<Segment>,
        open: &Open<'_>,
    ) -> Result<Result<Vec<Attachment>, String>, String> {
        let mut handles = Vec::new();
        let mut unavailable = None;
        for segment in attached {
            match self.borrow(segment, open) {
                Ok(handle) => handles.push(handle as Attachment),
                Err(Unusable::Violation(what)) => return Err(what),
                Err(Unusable::Unavailable { id, why }) => {
                    self.notices.give_back(id, 1, 0);
                    unavailable.get_or_insert(why);
                }
            }
        }
        Ok(unavailable.map_or(Ok(handles), Err))
    }

    /// The lock is not held while `open` runs.
    fn borrow(&self, segment: Segment, open: &Open<'_>) -> Result<Arc<Handle>, Unusable> {
        let (id, number, size, len) = match segment {
            Segment::Own(id) => return self.borrow_own(id),
            Segment::Lent {
                id,
                number,
                size,
                len,
            } => (id, number, size, len),
        };
        if len > size {
            return violation("it lends more bytes than there are");
        }
        let view = match self.find_mapped(id)? {
            None => Arc::new(open(number, size).map_err(|error| Unusable::new(id, &error))?),
            Some(Mapped { view, .. }) if view.size() as u64 != size => {
                return violation("it lends shared memory that has changed its size");
            }
            Some(Mapped { view, handle }) => match handle.upgrade() {
                None => view,
                Some(handle) => return borrow_again(handle, len),
            },
        };
        let reader = view
            .read()
            .map_err(|error| Unusable::new(id, &error.into()))?;
        Ok(self.keep_mapped(id, view, reader, len))
    }

    /// What the other process was lent comes back, as an attachment.
    fn borrow_own(&self, id: u64) -> Result<Arc<Handle>, Unusable> {
        match self.state.lock().lent.get(&id) {
            Some((handle, _)) => Ok(Arc::clone(handle)),
            None => violation("it names shared memory that it was not lent"),
        }
    }

    /// The mapping of a segment, if there is one; fails if there is none and no room for it.
    fn find_mapped(&self, id: u64) -> Result<Option<Mapped>, Unusable> {
        let state = self.state.lock();
        match state.mapped.get(&id) {
            None if state.mapped.len() >= MAX_MAPPED => {
                violation("it lends too much shared memory")
            }
            mapped => Ok(mapped.cloned()),
        }
    }

    /// Makes a handle to the first `len` bytes of a view, which has as many, and keeps the mapping.
    fn keep_mapped(
        &self,
        id: u64,
        view: Arc<SegmentView>,
        reader: SegmentReader,
        len: u64,
    ) -> Arc<Handle> {
        let borrowed = Borrowed {
            id: segment_id::next(),
            reader,
            owner: Arc::downgrade(&self.notices),
            owner_id: id,
            times: Mutex::new(1),
        };
        let handle = Arc::new(Handle::new(Memory::Borrowed(borrowed), len as usize));
        let mapped = Mapped {
            view,
            handle: Arc::downgrade(&handle),
        };
        let replaced = self.state.lock().mapped.insert(id, mapped);
        drop(replaced);
        handle
    }

    /// The other process has given back a segment that it was lent so many times. Returns the handle, if nothing
    /// of it is lent any more.
    fn take_back(&self, id: u64, times: u64) -> Result<Option<Arc<Handle>>, String> {
        let mut state = self.state.lock();
        let Some((_, lent)) = state.lent.get_mut(&id) else {
            return Err("it gave back memory that it was not lent".to_owned());
        };
        let Some(left) = lent.checked_sub(times) else {
            return Err("it gave back memory more often than it was lent".to_owned());
        };
        *lent = left;
        Ok(match left {
            0 => state.lent.remove(&id).map(|(handle, _)| handle),
            _ => None,
        })
    }

    fn unmap(&self, id: u64) -> Option<Mapped> {
        self.state.lock().mapped.remove(&id)
    }

    /// The connection has ended: what the other process was lent is given back.
    pub fn end(&self) {
        self.notices.end();
        let ended = State {
            has_ended: true,
            ..State::default()
        };
        let state = mem::replace(&mut *self.state.lock(), ended);
        drop(state);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl Unusable {
    fn new(id: u64, error: &SegmentError) -> Self {
        match error {
            SegmentError::Invalid { .. } => {
                Unusable::Violation(format!("it lends what can't be shared: {error}"))
            }
            SegmentError::System(_) => Unusable::Unavailable {
                id,
                why: format!("shared bytes can't be had: {error}"),
            },
        }
    }
}

fn violation<T>(what: &str) -> Result<T, Unusable> {
    Err(Unusable::Violation(what.to_owned()))
}

/// A segment that is in use has been attached once more.
fn borrow_again(handle: Arc<Handle>, len: u64) -> Result<Arc<Handle>, Unusable> {
    if handle.len() as u64 != len {
        return violation("it lends shared memory that has changed while it was lent");
    }
    if let Memory::Borrowed(borrowed) = handle.memory() {
        *borrowed.times.lock() += 1;
    }
    Ok(handle)
}

fn handle(attachment: &Attachment) -> Option<Arc<Handle>> {
    let any: Arc<dyn Any + Send + Sync> = Arc::clone(attachment) as _;
    any.downcast().ok()
}

#[cfg(test)]
mod tests;
