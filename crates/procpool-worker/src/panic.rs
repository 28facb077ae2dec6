//! Panics of a task: caught, with the message, place and backtrace that only the hook sees.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use procpool_wire::{Finished, Outcome, PanicReport, Refusal};

use crate::outbox::Outbox;
use crate::worker;

thread_local! {
    /// Whether this thread is inside a task. A thread that the task starts is not: its panics are
    /// its own, as with `std::thread`.
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<PanicReport>> = const { RefCell::new(None) };
}

/// Whether the worker's state is made; before, the only code of the user's is the initializer.
static MADE: AtomicBool = AtomicBool::new(false);

/// Whether the worker has been made ready; before, the only other code of the user's is broadcast.
static READY: AtomicBool = AtomicBool::new(false);

/// Notes what a task's panic says, before the hook that was there (std's own prints to stderr).
///
/// Under `panic = "abort"` nothing can be caught, and the hook is the last to run: there it tells
/// the parent itself.
pub(crate) fn install_hook(outbox: Outbox) {
    let next = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if IN_TASK.get() {
            let report = report(info);
            if cfg!(panic = "abort") {
                tell(&outbox, report.clone());
            }
            LAST.set(Some(report));
        }
        next(info);
    }));
}

/// The initializer, if there is one, has made the worker's state.
pub(crate) fn state_is_made() {
    MADE.store(true, Ordering::Relaxed);
}

/// All that was to run before the first task has run.
pub(crate) fn worker_is_ready() {
    READY.store(true, Ordering::Relaxed);
}

/// Tells the parent of a panic that ends this process. If that fails, it sees the abort.
fn tell(outbox: &Outbox, report: PanicReport) {
    let _ = match worker::current() {
        Some(ticket) => {
            // What follows until the process is gone is no part of the run.
            worker::release();
            outbox.send_finished(&Finished {
                ticket,
                ran: Duration::ZERO,
                worn: false,
                outcome: Outcome::Panicked(report),
            })
        }
        None if !MADE.load(Ordering::Relaxed) => {
            outbox.send_refused(&Refusal::InitializerPanicked(report))
        }
        None if !READY.load(Ordering::Relaxed) => {
            outbox.send_refused(&Refusal::BroadcastPanicked(report))
        }
        // The drop of the state, at the worker's end; nobody waits for anything.
        None => Ok(()),
    };
}

/// Runs a task, and gives the report of its panic if it panics.
pub(crate) fn catch<T>(task: impl FnOnce() -> T) -> Result<T, PanicReport> {
    LAST.set(None);
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
