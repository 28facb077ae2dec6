//! Waiting until a pool has all workers that it may have.

use std::sync::Arc;

use procpool_scheduler::WarmUpId;

use crate::driver::pool::core::Core;
use crate::error::TaskError;

/// Someone who waits; as long as they do, the pool has as many workers as it may.
#[derive(Debug)]
pub(crate) struct WarmUp {
    core: Arc<Core>,
    id: WarmUpId,
}

impl WarmUp {
    /// Waits from the first poll on.
    ///
    /// # Cancel safety
    /// If it is dropped, nobody waits any more.
    pub(crate) async fn finished(core: &Arc<Core>) -> Result<(), TaskError> {
        let (id, told) = core.warm_up();
        let _waits = WarmUp {
            core: Arc::clone(core),
            id,
        };
        match told.await {
            Ok(result) => result,
            Err(_) => Err(TaskError::PoolClosed),
        }
    }
}

impl Drop for WarmUp {
    fn drop(&mut self) {
        self.core.leave_warm_up(self.id);
    }
}
