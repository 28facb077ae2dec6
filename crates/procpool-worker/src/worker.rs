//! What a running function may ask and tell about the worker it runs in.
//!
//! All of it also works in threads that the function starts, and costs no system call. Outside of a
//! worker the answers are `false` and `None`, so that a function can be called directly too.

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

/// The task that runs, if any. Only the thread that serves changes it.
#[derive(Debug, Default)]
struct Running {
    slot: AtomicU16,
    /// 0 for none, which no dispatch_id has.
    number: AtomicU64,
    /// It has several items.
    has_items: AtomicBool,
}

/// Whether this process is a worker of a pool.
///
/// ```
/// assert!(!procpool_worker::worker::is_worker());
/// ```
#[must_use]
pub fn is_worker() -> bool {
    WORKER.get().is_some()
}

/// The number of this worker in its pool, from 1; a replacement of a dead worker has a new one.
/// `None` outside of a worker.
#[must_use]
pub fn id() -> Option<u64> {
    WORKER.get().map(|worker| worker.id)
}

/// Whether the task that runs now has been cancelled or has passed its time limit, and is within
/// its grace (`TaskOptions::grace`): what it still does before it returns is its clean-up.
///
/// `false` where nothing has been asked of it, and outside of a task.
#[must_use]
pub fn is_cancelled() -> bool {
    WORKER
        .get()
        .zip(current())
        .is_some_and(|(worker, dispatch_id)| worker.page.is_cancel_requested(dispatch_id.number))
}

/// Tells how far the task that runs now has come: `done` of `total`, in any unit. Whoever has the
/// task sees it with `Task::progress`, as it is at the moment they look; nobody is woken by it.
///
/// Nothing happens outside of a task.
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

/// Makes this process the worker `id`, and gives its page; a second call changes nothing.
pub(crate) fn enter(id: u64, page: ControlPage) -> &'static ControlPage {
    // A process becomes a worker once, in the first line of main.
    let worker = WORKER.get_or_init(|| Worker {
        id,
        page,
        running: Running::default(),
    });
    &worker.page
}

/// Claims a task, whose run starts `now` on the page's clock; `false` if its parent has taken it back.
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

/// The time limit of the claimed task counts from this moment on: it runs the next of several items, each
/// of which has the limit for itself.
///
/// The parent allows a task as many limits as it has items, and no more.
pub(crate) fn restart_clock() {
    if let Some((worker, dispatch_id)) = WORKER.get().zip(current()) {
        worker
            .page
            .restart(usize::from(dispatch_id.slot), dispatch_id.number);
    }
}

/// By what the items of the claimed task are claimed, which has several.
pub(crate) fn items_of(dispatch_id: DispatchId) -> Option<ItemClaims<'static>> {
    WORKER.get()?.page.items_of(usize::from(dispatch_id.slot))
}

/// Notes whether what runs now is one of several items of the claimed task.
pub(crate) fn set_runs_items(runs: bool) {
    if let Some(worker) = WORKER.get() {
        worker.running.has_items.store(runs, Ordering::Relaxed);
    }
}

/// Whether what runs now is one of several items.
pub(crate) fn runs_items() -> bool {
    WORKER
        .get()
        .is_some_and(|worker| worker.running.has_items.load(Ordering::Relaxed))
}

/// The claimed task has ended, and its result is to be written now. No time limit counts from here on.
pub(crate) fn release() {
    let Some((worker, dispatch_id)) = WORKER.get().zip(current()) else {
        return;
    };
    worker.running.number.store(0, Ordering::Release);
    worker
        .page
        .finish(usize::from(dispatch_id.slot), dispatch_id.number);
}
