//! The reference that keeps a pool open. Its handles and its awaited tasks have it.

use std::sync::Arc;

use crate::driver::pool::core::Core;

/// Shared by all handles of a pool and by all of its tasks that may still be awaited. When the last of them is dropped, the
/// pool is closed: detached tasks finish, then the workers stop.
#[derive(Debug)]
pub(crate) struct OpenPool(Arc<Core>);

impl OpenPool {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        OpenPool(core)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0
    }
}

impl Drop for OpenPool {
    fn drop(&mut self) {
        self.0.close();
    }
}
