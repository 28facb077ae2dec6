//! Waiting until a pool has its maximum number of ready workers.

use std::sync::Arc;

use procpool_scheduler::WarmUpId;

use crate::driver::pool::core::Core;
use crate::error::TaskError;

/// A caller that waits. While it waits, the pool wants its maximum number of workers.
#[derive(Debug)]
pub(crate) struct WarmUp {
    core: Arc<Core>,
    id: WarmUpId,
}

impl WarmUp {
    /// Waits from the first poll on.
    ///
    /// # Cancel safety
    /// Dropping it ends the wait.
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
