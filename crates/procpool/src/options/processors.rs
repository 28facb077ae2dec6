//! How many processors there are to keep busy.

use std::sync::OnceLock;
use std::thread;

/// How many this process may use, as at the first call: to ask takes some 100 µs, since there are the files
/// of control groups to read, and a pool that is built shall not wait for that each time.
pub(crate) fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}
