//! Panics of a task: caught, with the message, place and backtrace that only the hook sees.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use procpool_wire::{Event, Finished, Outcome, PanicReport, Refusal};

use crate::channel::Outbox;
use crate::worker;

thread_local! {
    /// Whether this thread is inside a task. A thread that the task starts is not: its panics are
    /// its own, as with `std::thread`.
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
    static LAST: Cell<Option<Box<PanicReport>>> = const { Cell::new(None) };
    /// Where this thread tells of a panic that ends the process, if it is the one that serves.
    static OUTBOX: RefCell<Option<Outbox>> = const { RefCell::new(None) };
}

/// What code of the user's runs, where it is no task.
static STEP: AtomicU8 = AtomicU8::new(INITIALIZER);

const INITIALIZER: u8 = 0;
/// One before the worker is ready.
const FIRST_BROADCAST: u8 = 1;
/// The state's drop, at the worker's end.
const READY: u8 = 2;
/// One that came after the worker was ready.
const LATER_BROADCAST: u8 = 3;

/// Notes what a task's panic says, before the hook that was there (std's own prints to stderr).
///
/// Under `panic = "abort"` nothing can be caught, and the hook is the last to run: there it tells
/// the parent itself.
pub(crate) fn install_hook(outbox: Outbox) {
    OUTBOX.set(Some(outbox));
    let next = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if IN_TASK.get() {
            let report = report(info);
            if cfg!(panic = "abort") {
                OUTBOX.with_borrow(|outbox| {
                    if let Some(outbox) = outbox {
                        tell(outbox, report.clone());
                    }
                });
            }
            LAST.set(Some(Box::new(report)));
        }
        next(info);
    }));
}

/// Has what a panic inside of [`catch`] says noted in this process too, before the hook that was
/// there. In a worker that is so already; doing it again changes nothing.
pub fn note_panics() {
    static ARE_NOTED: AtomicBool = AtomicBool::new(false);
    // The hook can't be changed by a thread that panics; the next caller may not.
    if worker::is_worker() || thread::panicking() || ARE_NOTED.swap(true, Ordering::Relaxed) {
        return;
    }
    let next = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if IN_TASK.get() {
            LAST.set(Some(Box::new(report(info))));
        }
        next(info);
    }));
}

/// The initializer, if there is one, has made the worker's state.
pub(crate) fn state_is_made() {
    STEP.store(FIRST_BROADCAST, Ordering::Relaxed);
}

/// All that was to run before the next task has run.
pub(crate) fn worker_is_ready() {
    STEP.store(READY, Ordering::Relaxed);
}

/// Something is to run before the next task.
pub(crate) fn broadcast_begins() {
    STEP.store(LATER_BROADCAST, Ordering::Relaxed);
}

/// Tells the parent of a panic that ends this process. If that fails, it sees the abort.
fn tell(outbox: &Outbox, report: PanicReport) {
    let _ = match worker::current() {
        Some(_) if worker::runs_items() => {
            let mut frame = Vec::new();
            Event::encode_item_failed(&Outcome::Panicked(report), &mut frame)
                .map_err(io::Error::other)
                .and_then(|()| outbox.push_frame(&frame))
                .and_then(|()| outbox.flush())
        }
        Some(dispatch_id) => {
            // What follows until the process is gone is no part of the run.
            worker::release();
            outbox.send_finished(&Finished {
                dispatch_id,
                ran: Duration::ZERO,
                needs_recycle: false,
                outcome: Outcome::Panicked(report),
            })
        }
        None => match STEP.load(Ordering::Relaxed) {
            INITIALIZER => outbox.send_refused(&Refusal::InitializerPanicked(report)),
            FIRST_BROADCAST => outbox.send_refused(&Refusal::BroadcastPanicked(report)),
            LATER_BROADCAST => {
                outbox.send_broadcast_ended(&Some(Refusal::BroadcastPanicked(report)))
            }
            // Nobody waits for anything.
            _ => Ok(()),
        },
    };
}

/// Runs a task, and gives the report of its panic if it panics.
///
/// # Errors
/// The report, with a location if the hook is there.
pub fn catch<T>(task: impl FnOnce() -> T) -> Result<T, PanicReport> {
    // Of a panic that the last task caught itself. To take is cheaper than to set.
    drop(LAST.take());
    IN_TASK.set(true);
    // The task owns all that it touches, or starts it anew for the next task.
    let caught = panic::catch_unwind(AssertUnwindSafe(task));
    IN_TASK.set(false);
    caught.map_err(|payload| {
        let message = message(&*payload);
        // A payload's own `drop` may panic in turn, and a worker must outlive that.
        if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
        // The hook has seen another panic last if the task resumed an older one.
        LAST.take()
            .map(|last| *last)
            .filter(|last| last.message == message)
            .unwrap_or(PanicReport {
                message,
                location: None,
                backtrace: None,
            })
    })
}

fn report(info: &PanicHookInfo<'_>) -> PanicReport {
    let backtrace = Backtrace::capture();
    PanicReport {
        message: message(info.payload()),
        location: info.location().map(ToString::to_string),
        backtrace: (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string()),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "the panic's payload is not a string".to_owned()
    }
}
