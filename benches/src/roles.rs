//! What this program may have been started as.

use crate::floor;

/// The first line of every benchmark's `main`: in a worker of procpool's or procspawn's, and in a
/// floor's process, it never returns.
///
/// The first and the last are told by their first argument, procspawn's by a variable of its
/// environment, so that none takes another's place.
pub fn init() {
    procpool::init();
    floor::init();
    procspawn::init();
}
