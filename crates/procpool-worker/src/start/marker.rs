//! The first argument of a process, which marks it as a worker.
//!
//! An environment variable would be inherited by the programs that a task starts.

use std::ffi::{OsStr, OsString};

/// The first argument of every worker.
pub const MARKER: &str = "--procpool-worker";

/// The arguments of a worker: the marker, then the pool's name, for `ps`.
#[must_use]
pub fn arguments(pool: &str) -> Vec<OsString> {
    vec![MARKER.into(), pool.into()]
}

/// Whether this process was started as a worker.
pub(crate) fn is_present() -> bool {
    std::env::args_os().nth(1).as_deref() == Some(OsStr::new(MARKER))
}
