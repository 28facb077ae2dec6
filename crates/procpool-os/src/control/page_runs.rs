//! The control page's part in the run of a task: claims, cancel requests, progress.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::control::clock::{monotonic_nanoseconds, monotonic_now};
use crate::control::page::ControlPage;
use crate::control::run_state::RunState;
use crate::control::slot::Slot;

/// The claims.
impl ControlPage {
    /// The parent: offers a dispatch in this slot, before it sends the task's frame.
    ///
    /// The slot must not hold a live offer: its last dispatch was finished or revoked. If there is
    /// no such slot, or the dispatch id is not below 2^62, nothing is offered, and nothing can be claimed.
    #[inline]
    pub fn offer(&self, slot: usize, dispatch: u64) {
        if let Some(slot) = self.slot(slot) {
            slot.offer(dispatch);
        }
    }

    /// The worker: claims a dispatch right before it starts the task, and notes the time.
    ///
    /// False if the parent has revoked it, or offers another one in that slot. Then the task must not run.
    #[must_use]
    pub fn claim(&self, slot: usize, dispatch: u64) -> bool {
        self.claim_at(slot, dispatch, monotonic_now())
    }

    /// As [`claim`](ControlPage::claim), for a worker that knows the time: the run starts `now` on the
    /// clock of [`monotonic_now`].
    #[must_use]
    pub fn claim_at(&self, slot: usize, dispatch: u64, now: Duration) -> bool {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.slot(slot)
            .is_some_and(|slot| slot.claim(dispatch, now))
    }

    /// The parent: takes back an offer. True if the task has not started and never will.
    #[must_use]
    pub fn revoke(&self, slot: usize, dispatch: u64) -> bool {
        self.slot(slot).is_some_and(|slot| slot.revoke(dispatch))
    }

    /// The worker: restarts the clock of a dispatch that it has claimed. A time limit then counts from this moment.
    pub fn restart(&self, slot: usize, dispatch: u64) {
        if let Some(slot) = self.slot(slot) {
            slot.restart(dispatch, monotonic_nanoseconds());
        }
    }

    /// The worker: the run of a dispatch that it has claimed is over. It calls this before it writes the result, so
    /// that the time for that does not count.
    pub fn finish(&self, slot: usize, dispatch: u64) {
        if let Some(slot) = self.slot(slot) {
            slot.finish(dispatch);
        }
    }

    /// How far the worker has come with a dispatch, as it reports. [`RunState::Unclaimed`] also if the slot
    /// was offered again since.
    ///
    /// ```
    /// use procpool_os::{ControlPage, RunState};
    ///
    /// let (parent, descriptor) = ControlPage::create()?;
    /// let worker = ControlPage::attach(descriptor)?;
    /// parent.offer(0, 7);
    /// assert_eq!(parent.run_state(0, 7), RunState::Unclaimed);
    /// assert!(worker.claim(0, 7));
    /// assert!(matches!(parent.run_state(0, 7), RunState::Running { .. }));
    /// worker.finish(0, 7);
    /// assert_eq!(parent.run_state(0, 7), RunState::Finished);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn run_state(&self, slot: usize, dispatch: u64) -> RunState {
        self.slot(slot)
            .map_or(RunState::Unclaimed, |slot| slot.run_state(dispatch))
    }

    pub(crate) fn slot(&self, slot: usize) -> Option<&Slot<AtomicU64>> {
        self.shared().slots.get(slot)
    }
}

/// Messages from and to a running task.
impl ControlPage {
    /// The parent: asks the run of a dispatch to stop. It replaces a request for another one, since a
    /// worker runs one task at a time.
    pub fn request_cancel(&self, dispatch: u64) {
        let word = dispatch.wrapping_add(1);
        self.shared().cancel.0.store(word, Ordering::Release);
    }

    /// The worker: whether the run of a dispatch is asked to stop. One load from memory.
    #[must_use]
    pub fn is_cancel_requested(&self, dispatch: u64) -> bool {
        self.shared().cancel.0.load(Ordering::Acquire) == dispatch.wrapping_add(1)
    }

    /// The worker: reports the progress of a dispatch.
    ///
    /// Never waits: of two calls at the same time from two threads, one has no effect.
    pub fn set_progress(&self, dispatch: u64, done: u64, total: u64) {
        self.shared().progress.set(dispatch, done, total);
    }

    /// The parent: the last progress that the run of a dispatch has reported, `(done, total)`.
    ///
    /// `None` if it has reported none yet, or was stopped while it wrote the report.
    #[must_use]
    pub fn progress(&self, dispatch: u64) -> Option<(u64, u64)> {
        self.shared().progress.of(dispatch)
    }
}
