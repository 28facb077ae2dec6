//! The other end of one connection, as far as shared memory goes.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use procpool_os::{SegmentError, SegmentView};
use procpool_wire::value::attachment::Attachment;
use procpool_wire::{Segment, Segments};

use crate::cache::next_id;
use crate::handle::{Borrowed, Handle, Memory};

/// What is given back of this size is told at once, and what is smaller with the next message: 1 MiB.
const TOLD_AT_ONCE: usize = 1 << 20;

/// The most segments that one peer may have this process keep open.
const MAX_OPEN: usize = 1024;

static PEERS: Mutex<Vec<Weak<Peer>>> = Mutex::new(Vec::new());

/// The process at the other end of one connection: what it was lent, and what it lent.
pub struct Peer {
    pid: u32,
    state: Mutex<State>,
    /// Something is returned or forgotten. Most messages find nothing, and don't take the lock.
    has_news: AtomicBool,
    /// Called when there is something to tell that should not wait for the next message.
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    /// What it holds of ours, and how many times it was attached.
    lent: HashMap<u64, (Arc<Handle>, u64)>,
    /// What it may have kept a view of.
    known: HashSet<u64>,
    /// What is open of theirs.
    theirs: HashMap<u64, Theirs>,
    returned: Vec<(u64, u64)>,
    forgotten: Vec<u64>,
    ended: bool,
}

#[derive(Debug)]
struct Theirs {
    view: Arc<SegmentView>,
    /// The handle that stands for it, if there is one now.
    handle: Weak<Handle>,
}

/// What follows from a message.
#[derive(Debug, Default)]
pub struct Received {
    /// What is attached to the next payload, or why it can't be had.
    pub attached: Option<Result<Vec<Attachment>, String>>,
    /// What was given back or is not needed any more. To be dropped where nothing is locked.
    pub released: Vec<Arc<dyn Any + Send + Sync>>,
}

impl Peer {
    /// A process to which nothing was lent yet.
    pub fn new(pid: u32, wake: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        let peer = Arc::new(Peer {
            pid,
            state: Mutex::default(),
            has_news: AtomicBool::new(false),
            wake: Box::new(wake),
        });
        let mut peers = PEERS.lock();
        peers.retain(|peer| peer.strong_count() > 0);
        peers.push(Arc::downgrade(&peer));
        peer
    }

    /// Whether there is something to say even to who is sent nothing of it. Whoever has news and wants it told at once calls
    /// for a message after it.
    #[must_use]
    #[inline]
    pub fn has_news(&self) -> bool {
        self.has_news.load(Ordering::Acquire)
    }

    /// Lends what is attached to a payload. Gives what is to be said before it is sent, if anything.
    #[must_use]
    pub fn lend(&self, attached: &[Attachment]) -> Option<Segments> {
        if attached.is_empty() && !self.has_news() {
            return None;
        }
        let handles: Vec<_> = attached.iter().cloned().filter_map(handle).collect();
        let mut state = self.state.lock();
        if state.ended {
            return None;
        }
        self.has_news.store(false, Ordering::Relaxed);
        let handles = handles.into_iter();
        let attached = handles.filter_map(|handle| self.attach(&mut state, handle));
        let attached = attached.collect();
        let segments = Segments {
            attached,
            returned: mem::take(&mut state.returned),
            forgotten: mem::take(&mut state.forgotten),
        };
        (!segments.is_empty()).then_some(segments)
    }

    fn attach(&self, state: &mut State, handle: Arc<Handle>) -> Option<Segment> {
        let (id, number, size) = match handle.memory() {
            Memory::Own(Some(named)) => {
                let size = named.segment.as_slice().len();
                (named.id, named.segment.number(), size)
            }
            Memory::Borrowed(borrowed) if self.is(&borrowed.peer) => {
                return Some(Segment::Own(borrowed.their_id));
            }
            Memory::Borrowed(borrowed) => {
                let size = borrowed.view.as_slice().len();
                (borrowed.id, borrowed.view.number(), size)
            }
            // What is plain never attaches itself.
            Memory::Own(None) | Memory::Plain(_) => return None,
        };
        let len = handle.len() as u64;
        state.known.insert(id);
        state.lent.entry(id).or_insert((handle, 0)).1 += 1;
        Some(Segment::Lent {
            id,
            number,
            size: size as u64,
            len,
        })
    }

    /// Takes what the other end says.
    ///
    /// # Errors
    /// In one line, how it broke the protocol.
    pub fn receive(self: &Arc<Self>, segments: Segments) -> Result<Received, String> {
        let Segments {
            attached,
            returned,
            forgotten,
        } = segments;
        let mut received = Received::default();
        let mut state = self.state.lock();
        if !attached.is_empty() {
            let mut handles = Vec::new();
            let mut missing = None;
            for segment in attached {
                match self.borrow(&mut state, segment) {
                    Ok(handle) => handles.push(handle),
                    // The drop of a handle takes the lock again.
                    Err(Unusable::Lie(what)) => {
                        drop(state);
                        return Err(what);
                    }
                    Err(Unusable::Changed(handle)) => {
                        drop(state);
                        drop(handle);
                        let what = "it lends shared memory that has changed while it was lent";
                        return Err(what.to_owned());
                    }
                    Err(Unusable::Missing { id, why }) => {
                        state.returned.push((id, 1));
                        self.has_news.store(true, Ordering::Release);
                        missing.get_or_insert(why);
                    }
                }
            }
            received.attached = Some(match missing {
                None => Ok(handles),
                Some(why) => {
                    let handles = handles.into_iter();
                    received.released.extend(handles.map(|handle| handle as _));
                    Err(why)
                }
            });
        }
        for (id, times) in returned {
            let Some((_, lent)) = state.lent.get_mut(&id) else {
                return Err("it gave back memory that it was not lent".to_owned());
            };
            let Some(left) = lent.checked_sub(times) else {
                return Err("it gave back memory more often than it was lent".to_owned());
            };
            *lent = left;
            if left == 0 {
                let handle = state.lent.remove(&id);
                let handle = handle.map(|(handle, _)| handle as _);
                received.released.extend(handle);
            }
        }
        for id in forgotten {
            let theirs = state.theirs.remove(&id);
            let view = theirs.map(|theirs| theirs.view as _);
            received.released.extend(view);
        }
        Ok(received)
    }

    fn borrow(
        self: &Arc<Self>,
        state: &mut State,
        segment: Segment,
    ) -> Result<Attachment, Unusable> {
        let lie = |what: &str| Err(Unusable::Lie(what.to_owned()));
        let (id, number, size, len) = match segment {
            Segment::Own(id) => {
                return match state.lent.get(&id) {
                    Some((handle, _)) => Ok(handle.clone()),
                    None => lie("it names shared memory that it was not lent"),
                };
            }
            Segment::Lent {
                id,
                number,
                size,
                len,
            } => (id, number, size, len),
        };
        if len > size {
            return lie("it lends more bytes than there are");
        }
        if let Some(theirs) = state.theirs.get(&id) {
            if theirs.view.as_slice().len() as u64 != size {
                return lie("it lends shared memory that has changed its size");
            }
            if let Some(handle) = theirs.handle.upgrade() {
                if handle.len() as u64 != len {
                    return Err(Unusable::Changed(handle));
                }
                if let Memory::Borrowed(borrowed) = handle.memory() {
                    *borrowed.times.lock() += 1;
                }
                return Ok(handle);
            }
        } else {
            if state.theirs.len() >= MAX_OPEN {
                return lie("it lends too much shared memory");
            }
            let view = match SegmentView::open(self.pid, number, size) {
                Ok(view) => Arc::new(view),
                Err(error @ SegmentError::Invalid { .. }) => {
                    return lie(&format!("it lends what can't be shared: {error}"));
                }
                Err(error) => {
                    let why = format!("shared bytes can't be had: {error}");
                    return Err(Unusable::Missing { id, why });
                }
            };
            let handle = Weak::new();
            state.theirs.insert(id, Theirs { view, handle });
        }
        let Some(theirs) = state.theirs.get_mut(&id) else {
            return lie("it lends nothing");
        };
        let borrowed = Borrowed {
            id: next_id(),
            view: Arc::clone(&theirs.view),
            peer: Arc::downgrade(self),
            their_id: id,
            times: Mutex::new(1),
        };
        // Checked above to lie within the view, which is mapped as a whole.
        let handle = Arc::new(Handle::new(Memory::Borrowed(borrowed), len as usize));
        theirs.handle = Arc::downgrade(&handle);
        Ok(handle)
    }

    /// The last handle of what it lent is gone.
    pub(crate) fn give_back(&self, id: u64, times: u64, size: usize) {
        let mut state = self.state.lock();
        if state.ended {
            return;
        }
        state.returned.push((id, times));
        self.has_news.store(true, Ordering::Release);
        drop(state);
        if size >= TOLD_AT_ONCE {
            (self.wake)();
        }
    }

    /// It has ended: what it was lent is given back.
    pub fn end(&self) {
        let mut state = self.state.lock();
        let State { lent, theirs, .. } = mem::take(&mut *state);
        state.ended = true;
        // Its handles take other locks, and this one, when they are dropped.
        drop(state);
        drop((lent, theirs));
    }

    fn is(&self, other: &Weak<Peer>) -> bool {
        std::ptr::eq(self, other.as_ptr())
    }

    fn forget(&self, id: u64) {
        let mut state = self.state.lock();
        if state.known.remove(&id) {
            state.forgotten.push(id);
            self.has_news.store(true, Ordering::Release);
            drop(state);
            (self.wake)();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

/// Why something that was lent can't be used.
enum Unusable {
    /// The other end broke the protocol.
    Lie(String),
    /// As well: what this stands for is lent as something else.
    Changed(Arc<Handle>),
    /// The system is short of something, or the other end is gone.
    Missing { id: u64, why: String },
}

/// Tells every peer that may have kept a view of it that this will not be lent again.
pub(crate) fn forget_everywhere(id: u64) {
    let peers: Vec<_> = PEERS.lock().iter().filter_map(Weak::upgrade).collect();
    for peer in peers {
        peer.forget(id);
    }
}

fn handle(attachment: Attachment) -> Option<Arc<Handle>> {
    let any: Arc<dyn Any + Send + Sync> = attachment;
    any.downcast().ok()
}
