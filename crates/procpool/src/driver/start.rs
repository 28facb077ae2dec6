//! Starting a pool.

use std::io;
use std::sync::Arc;

use crate::driver::pool::core::Core;
use crate::driver::pool::pool_config::CoreConfig;
use crate::driver::timekeeper::Timekeeper;
use crate::driver::worker::supervisor;

/// Starts a pool on the runtime around, and its workers.
///
/// # Panics
/// Where tokio does: outside of a runtime, or in one without I/O.
pub(crate) fn start(config: CoreConfig) -> io::Result<Arc<Core>> {
    let core = Arc::new(Core::new(config, supervisor::supervise)?);
    // The workers first: what they are is what takes time.
    core.with(|state, now| state.scheduler.handle_start(now));
    let timekeeper = Timekeeper::new(Arc::clone(&core));
    core.runtime().spawn(timekeeper.run());
    Ok(core)
}
