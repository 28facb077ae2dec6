//! Panics of a task: they are caught, with the message, location and backtrace that only the panic hook sees.

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
    /// Whether this thread is inside a task. A thread that the task starts is not: its panics are its own, as with
    /// `std::thread`.
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
    static LAST: Cell<Option<Box<PanicReport>>> = const { Cell::new(None) };
    /// The way to report a panic that ends the process, in the thread that runs tasks.
    static OUTBOX: RefCell<Option<Outbox>> = const { RefCell::new(None) };
}

/// The user's code that runs while no task does.
static STEP: AtomicU8 = AtomicU8::new(INITIALIZER);

const INITIALIZER: u8 = 0;
/// A broadcast before the worker is ready.
const FIRST_BROADCAST: u8 = 1;
/// The drop of the state, at the worker's end.
const READY: u8 = 2;
/// A broadcast after the worker was ready.
const LATER_BROADCAST: u8 = 3;

/// Records the panics of tasks, and then runs the hook that was installed before; std's own hook prints to stderr.
///
/// Under `panic = "abort"` a panic can't be caught, and the hook is the last code that runs. There it reports the panic
/// to the parent itself.
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

/// Records panics inside of [`catch`] in this process too, and then runs the hook that was installed before.
///
/// In a worker and after the first call this does nothing.
pub fn note_panics() {
    static ARE_NOTED: AtomicBool = AtomicBool::new(false);
    // A thread that panics can't change the hook. The next call does it.
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

/// The initializer has run, if there is one.
pub(crate) fn state_is_made() {
    STEP.store(FIRST_BROADCAST, Ordering::Relaxed);
}

/// The broadcasts before the next task have run.
pub(crate) fn worker_is_ready() {
    STEP.store(READY, Ordering::Relaxed);
}

/// A broadcast is to run before the next task.
pub(crate) fn broadcast_begins() {
    STEP.store(LATER_BROADCAST, Ordering::Relaxed);
}

/// Reports a panic that ends this process. If that fails, the parent sees the abort.
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
            // The end of the process does not count as running time of the task.
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
            // No caller waits for a result.
            _ => Ok(()),
        },
    };
}

/// Runs a task.
///
/// # Errors
/// The report of its panic, with a location if the hook is installed.
pub fn catch<T>(task: impl FnOnce() -> T) -> Result<T, PanicReport> {
    // The last task may have caught a panic itself. To take the report is cheaper than to set it.
    drop(LAST.take());
    IN_TASK.set(true);
    // The task owns the values that it touches, or the next task replaces them.
    let caught = panic::catch_unwind(AssertUnwindSafe(task));
    IN_TASK.set(false);
    caught.map_err(|payload| {
        let message = message(&*payload);
        // The payload's `drop` may panic too, and the worker must survive that.
        if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
        // If the task resumed an older panic, the report is that of another one.
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
