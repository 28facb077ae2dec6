//! What this program may have been started as.

use crate::{bare_worker, floor, prototype};

/// The first line of every benchmark's `main`: in a worker of procpool's or procspawn's, in a
/// floor's process, in a bare worker and in one of the prototype's, it never returns.
///
/// procspawn's are told by a variable of their environment, all others by their first argument, so that none takes
/// another's place.
pub fn init() {
    procpool::init();
    floor::init();
    bare_worker::init();
    prototype::init();
    procspawn::init();
}
