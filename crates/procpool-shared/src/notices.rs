//! What waits to be sent to a process about shared memory: returned and forgotten segments.

use std::collections::HashSet;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// The return of a segment of this size is sent at once, that of a smaller one with the next message: 1 MiB.
/// The owner can't reuse the memory before that, and large memory is worth a message.
const SENT_AT_ONCE: usize = 1 << 20;

/// The notices of every connection, for [`forget_everywhere`].
static ALL: Mutex<Vec<Weak<Notices>>> = Mutex::new(Vec::new());

/// The notices for the process at the other end of one connection.
///
/// They have a lock of their own, under which nothing is dropped and no system call is made. So a handle may
/// be dropped at any place.
pub(crate) struct Notices {
    pending: Mutex<Pending>,
    /// Whether `pending` holds a notice. Most messages find none, and don't take the lock.
    is_pending: AtomicBool,
    /// Called when a notice should not wait for the next message.
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct Pending {
    /// Segments of the other process that are given back, each with how many times it was attached.
    returned: Vec<(u64, u64)>,
    /// Ids that will not be attached again.
    forgotten: Vec<u64>,
    /// Ids of which the other process may have kept a mapping.
    lent: HashSet<u64>,
    /// The connection has ended: nothing is noted any more.
    has_ended: bool,
}

impl Notices {
    pub(crate) fn new(wake: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        let notices = Arc::new(Notices {
            pending: Mutex::default(),
            is_pending: AtomicBool::new(false),
            wake,
        });
        let mut all = ALL.lock();
        all.retain(|notices| notices.strong_count() > 0);
        all.push(Arc::downgrade(&notices));
        notices
    }

    #[inline]
    pub(crate) fn is_pending(&self) -> bool {
        self.is_pending.load(Ordering::Acquire)
    }

    /// Takes the returned and the forgotten segments.
    pub(crate) fn take(&self) -> (Vec<(u64, u64)>, Vec<u64>) {
        let mut pending = self.pending.lock();
        self.is_pending.store(false, Ordering::Relaxed);
        (
            mem::take(&mut pending.returned),
            mem::take(&mut pending.forgotten),
        )
    }

    /// Notes that the other process is lent a segment under this id.
    pub(crate) fn note_lent(&self, id: u64) {
        self.pending.lock().lent.insert(id);
    }

    /// Gives a segment of `size` bytes back to the other process, which has attached it so many times.
    pub(crate) fn give_back(&self, id: u64, times: u64, size: usize) {
        let is_noted = self.note(|pending| pending.returned.push((id, times)));
        if is_noted && size >= SENT_AT_ONCE {
            (self.wake)();
        }
    }

    /// Lets the other process drop its mapping of a segment that was lent under this id, if it was.
    fn forget(&self, id: u64) {
        if !self.pending.lock().lent.remove(&id) {
            return;
        }
        if self.note(|pending| pending.forgotten.push(id)) {
            (self.wake)();
        }
    }

    /// Drops all notices, and ignores later ones.
    pub(crate) fn end(&self) {
        let mut pending = self.pending.lock();
        *pending = Pending {
            has_ended: true,
            ..Pending::default()
        };
        self.is_pending.store(false, Ordering::Relaxed);
    }

    fn note(&self, note: impl FnOnce(&mut Pending)) -> bool {
        let mut pending = self.pending.lock();
        if pending.has_ended {
            return false;
        }
        note(&mut pending);
        self.is_pending.store(true, Ordering::Release);
        true
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices")
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

/// Tells every process that may have kept a mapping of this segment to drop it.
pub(crate) fn forget_everywhere(id: u64) {
    let all: Vec<_> = ALL.lock().iter().filter_map(Weak::upgrade).collect();
    for notices in all {
        notices.forget(id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::segment_id;

    fn notices() -> (Arc<Notices>, Arc<AtomicUsize>) {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        let wake = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        (Notices::new(Box::new(wake)), woken)
    }

    #[test]
    fn the_return_of_a_large_segment_wakes_and_that_of_a_small_one_waits() {
        let (notices, woken) = notices();
        assert!(!notices.is_pending());
        notices.give_back(7, 2, SENT_AT_ONCE - 1);
        assert!(notices.is_pending());
        assert_eq!(woken.load(Ordering::Relaxed), 0);
        notices.give_back(8, 1, SENT_AT_ONCE);
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        assert_eq!(notices.take(), (vec![(7, 2), (8, 1)], vec![]));
        assert!(!notices.is_pending());
        assert_eq!(notices.take(), (vec![], vec![]));
    }

    #[test]
    fn only_a_process_that_was_lent_a_segment_is_told_to_forget_it_and_once() {
        let ((lent, lent_woken), (other, other_woken)) = (notices(), notices());
        let id = segment_id::next();
        lent.note_lent(id);
        forget_everywhere(id);
        forget_everywhere(id);
        assert_eq!(lent.take(), (vec![], vec![id]));
        assert_eq!(lent_woken.load(Ordering::Relaxed), 1);
        assert!(!other.is_pending());
        assert_eq!(other_woken.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn after_the_end_nothing_is_noted() {
        let (notices, woken) = notices();
        let id = segment_id::next();
        notices.note_lent(id);
        notices.give_back(7, 1, 1);
        notices.end();
        assert!(!notices.is_pending());
        notices.note_lent(id);
        forget_everywhere(id);
        notices.give_back(7, 1, SENT_AT_ONCE);
        assert!(!notices.is_pending());
        assert_eq!(notices.take(), (vec![], vec![]));
        assert_eq!(woken.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn notices_of_connections_that_are_gone_are_not_kept() {
        let (gone, _) = notices();
        let weak = Arc::downgrade(&gone);
        drop(gone);
        let (_next, _) = notices();
        assert_eq!(weak.strong_count(), 0);
        assert!(ALL.lock().iter().all(|kept| !kept.ptr_eq(&weak)));
    }
}
