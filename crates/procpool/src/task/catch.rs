//! Running the user's code in this process: `Serialize`, `Deserialize`, `Drop` and wakers.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe};

/// Runs the user's code; returns `None` if it panics.
#[inline]
pub(crate) fn catch<T>(code: impl FnOnce() -> T) -> Option<T> {
    // After a panic, the values that the code may have left inconsistent are only dropped.
    match panic::catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Some(value),
        Err(payload) => {
            forget(payload);
            None
        }
    }
}

/// Runs the user's code, and logs a panic, which fails no task. `what` is the code's name in the log.
#[inline]
pub(crate) fn catch_logged(what: &'static str, code: impl FnOnce()) {
    if catch(code).is_none() {
        log_panic(what);
    }
}

#[cold]
fn log_panic(what: &'static str) {
    // The panic hook has already printed the message and the location.
    tracing::error!("procpool: {what}");
}

/// Drops the payload of a panic.
#[cold]
pub(crate) fn forget(payload: Box<dyn Any + Send>) {
    // The `drop` of a payload may panic, too.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(second);
    }
}
