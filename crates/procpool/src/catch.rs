//! Code of the user's that runs in this process: `Serialize`, `Deserialize` and `Drop`.

use std::mem;
use std::panic::{self, AssertUnwindSafe};

/// Runs code of the user's; `None` if it panics, which is then over.
pub(crate) fn catch<T>(code: impl FnOnce() -> T) -> Option<T> {
    // What the code touches and does not own is only dropped after a panic.
    let payload = match panic::catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => return Some(value),
        Err(payload) => payload,
    };
    // A payload's own `drop` may panic in turn.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(second);
    }
    None
}
