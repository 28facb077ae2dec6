//! Code of the user's that runs in this process: `Serialize`, `Deserialize` and `Drop`.

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

/// Drops what a panic has thrown.
#[cold]
pub(crate) fn forget(payload: Box<dyn Any + Send>) {
    // A payload's own `drop` may panic in turn.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(second);
    }
}
