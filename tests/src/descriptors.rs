//! The open file descriptors of this process.

use std::fs;

/// Returns the target of each open descriptor, sorted, without the one that this function opens.
///
/// # Panics
/// Without `/proc`.
#[must_use]
pub fn open_descriptors() -> Vec<String> {
    let mut open: Vec<_> = fs::read_dir("/proc/self/fd")
        .expect("/proc is mounted")
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .map(|target| target.to_string_lossy().into_owned())
        .filter(|target| !target.starts_with("/proc/"))
        .collect();
    open.sort();
    open
}
