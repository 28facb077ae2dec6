//! Functions that a task's code calls about the worker it runs in.
//!
//! They also work in threads that the task starts, and make no system call. Outside of a worker they return `false` and
//! `None`, so that a task's function can be called directly too.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::time::Duration;

use procpool_os::{ControlPage, ItemClaims};
use procpool_wire::DispatchId;

static WORKER: OnceLock<Worker> = OnceLock::new();

#[derive(Debug)]
struct Worker {
    id: u64,
    page: ControlPage,
    running: Running,
}

/// The task that runs, if any. Only the thread that runs tasks changes it.
#[derive(Debug, Default)]
struct Running {
    slot: AtomicU16,
    /// Zero if no task runs; no dispatch_id has this number.
    number: AtomicU64,
    /// The task is a run of several items.
    has_items: AtomicBool,
}

/// Returns whether this process is a worker of a pool.
///
/// ```
/// assert!(!procpool_worker::worker::is_worker());
/// ```
#[must_use]
pub fn is_worker() -> bool {
    WORKER.get().is_some()
}

/// Returns the number of this worker in its pool, from 1, or `None` outside of a worker.
///
/// A worker that replaces a dead one has a new number.
#[must_use]
pub fn id() -> Option<u64> {
    WORKER.get().map(|worker| worker.id)
}

/// Returns whether the current task has been cancelled or has passed its time limit, and is within its grace period
/// (`TaskOptions::grace`). The task should clean up and return.
///
/// Returns `false` outside of a task.
#[must_use]
pub fn is_cancelled() -> bool {
    WORKER
        .get()
        .zip(current())
        .is_some_and(|(worker, dispatch_id)| worker.page.is_cancel_requested(dispatch_id.number))
}

/// Reports the progress of the current task: `done` of `total`, in any unit.
///
/// `Task::progress` returns the last report. A report wakes no task. Outside of a task this does nothing.
pub fn set_progress(done: u64, total: u64) {
    if let Some((worker, dispatch_id)) = WORKER.get().zip(current()) {
        worker.page.set_progress(dispatch_id.number, done, total);
    }
}

/// The task that runs now.
pub(crate) fn current() -> Option<DispatchId> {
    let running = &WORKER.get()?.running;
    let number = running.number.load(Ordering::Acquire);
    let slot = running.slot.load(Ordering::Relaxed);
    (number > 0).then_some(DispatchId { slot, number })
}

/// Makes this process the worker `id`, and returns its page. A second call changes nothing.
pub(crate) fn enter(id: u64, page: ControlPage) -> &'static ControlPage {
    // A process becomes a worker once, in the first line of main.
    let worker = WORKER.get_or_init(|| Worker {
        id,
        page,
        running: Running::default(),
    });
    &worker.page
}

/// Claims a task, which starts `now` on the page's clock. Returns `false` if the parent has revoked it.
pub(crate) fn claim(dispatch_id: DispatchId, now: Duration) -> bool {
    let Some(worker) = WORKER.get() else {
        return false;
    };
    let slot = usize::from(dispatch_id.slot);
    let claimed = worker.page.claim_at(slot, dispatch_id.number, now);
    if claimed {
        worker
            .running
            .slot
            .store(dispatch_id.slot, Ordering::Relaxed);
        worker
            .running
            .number
            .store(dispatch_id.number, Ordering::Release);
    }
    claimed
}

/// Restarts the time limit of the claimed task: each of its items has the limit for itself.
///
/// The parent allows a task as many limits as it has items, and no more.
pub(crate) fn restart_clock() {
    if let Some((worker, dispatch_id)) = WORKER.get().zip(current()) {
        worker
            .page
            .restart(usize::from(dispatch_id.slot), dispatch_id.number);
    }
}

/// The claims of the items of a claimed task.
pub(crate) fn items_of(dispatch_id: DispatchId) -> Option<ItemClaims<'static>> {
    WORKER.get()?.page.items_of(usize::from(dispatch_id.slot))
}

/// Notes whether the claimed task is a run of several items.
pub(crate) fn set_runs_items(runs: bool) {
    if let Some(worker) = WORKER.get() {
        worker.running.has_items.store(runs, Ordering::Relaxed);
    }
}

/// Whether the claimed task is a run of several items.
pub(crate) fn runs_items() -> bool {
    WORKER
        .get()
        .is_some_and(|worker| worker.running.has_items.load(Ordering::Relaxed))
}

/// Ends the time limit of the claimed task, whose result is sent next.
pub(crate) fn release() {
    let Some((worker, dispatch_id)) = WORKER.get().zip(current()) else {
        return;
    };
    worker.running.number.store(0, Ordering::Release);
    worker
        .page
        .finish(usize::from(dispatch_id.slot), dispatch_id.number);
}
