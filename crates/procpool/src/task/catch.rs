//! Code of the user's that runs in this process: `Serialize`, `Deserialize`, `Drop` and wakers.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe};

/// Runs code of the user's; `None` if it panics, which is then over.
#[inline]
pub(crate) fn catch<T>(code: impl FnOnce() -> T) -> Option<T> {
    // What the code touches and does not own is only dropped after a panic.
    match panic::catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Some(value),
        Err(payload) => {
            forget(payload);
            None
        }
    }
}

/// Runs code of the user's whose panic concerns no task. It is logged; `what` says what has panicked.
#[inline]
pub(crate) fn catch_logged(what: &'static str, code: impl FnOnce()) {
    if catch(code).is_none() {
        log_panic(what);
    }
}

#[cold]
fn log_panic(what: &'static str) {
    // The panic hook has printed the message, and the place.
    tracing::error!("procpool: {what}");
}

/// Drops what a panic has thrown.
#[cold]
pub(crate) fn forget(payload: Box<dyn Any + Send>) {
    // A payload's own `drop` may panic in turn.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(second);
    }
}
