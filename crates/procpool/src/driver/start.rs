//! Starting a pool.

use std::io;
use std::sync::Arc;

use crate::driver::pool::core::Core;
use crate::driver::pool_config::PoolConfig;
use crate::driver::pool_task::PoolTask;
use crate::driver::worker::supervisor::start_workers;

/// Starts a pool and its workers on the current runtime.
///
/// # Panics
/// As tokio does: outside of a runtime, or in one without I/O.
pub(crate) fn start(config: PoolConfig) -> io::Result<Arc<Core>> {
    let (core, spawns) = Core::new(config)?;
    // Start the workers first, because their start takes the most time.
    let workers = core.with_spawns(|state, now| state.scheduler.handle_start(now));
    // The caller's own task goes on at once.
    let is_in_task = tokio::task::try_id().is_some();
    start_workers(&core, workers, !is_in_task);
    let task = PoolTask::new(Arc::clone(&core), spawns);
    core.runtime().spawn(task.run());
    Ok(core)
}
