//! The number of processors.

use std::sync::OnceLock;
use std::thread;

/// Returns how many processors this process may use, as determined by the first call.
///
/// The kernel's answer takes some 100 µs, because it involves files of control groups; building
/// another pool must not wait for it again.
pub(crate) fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}
