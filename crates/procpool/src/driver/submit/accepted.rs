//! A task that a pool has accepted, as its `Task` and `AbortHandle` know it.

use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::driver::pool::core::Core;
use crate::driver::submit::open_pool::OpenPool;
use crate::task::cell::TaskCell;
use crate::task::task_state::TaskState;

/// Keeps the pool open for one task.
#[derive(Debug)]
pub(crate) struct Accepted {
    pool: Arc<OpenPool>,
}

/// Like [`Accepted`], but does not keep the pool open.
#[derive(Debug, Clone)]
pub(crate) struct WeakAccepted {
    core: Weak<Core>,
}

impl Accepted {
    pub(crate) fn new(pool: Arc<OpenPool>) -> Self {
        Accepted { pool }
    }

    pub(crate) fn cancel(&self, cell: &TaskCell) {
        self.pool.core().cancel(cell);
    }

    /// Cancels the task at the time `at`, if it has not finished by then. `None` removes an earlier time.
    pub(crate) fn cancel_at(&self, cell: &TaskCell, at: Option<Instant>) {
        self.pool.core().cancel_at(cell, at);
    }

    pub(crate) fn state(&self, cell: &TaskCell) -> TaskState {
        self.pool.core().task_state(cell)
    }

    pub(crate) fn progress(&self, cell: &TaskCell) -> Option<(u64, u64)> {
        self.pool.core().progress(cell)
    }

    pub(crate) fn downgrade(&self) -> WeakAccepted {
        WeakAccepted {
            core: Arc::downgrade(self.pool.core()),
        }
    }
}

impl WeakAccepted {
    pub(crate) fn cancel(&self, cell: &TaskCell) {
        if let Some(core) = self.core.upgrade() {
            core.cancel(cell);
        }
    }

    pub(crate) fn cancel_if_queued(&self, cell: &TaskCell) -> bool {
        self.core
            .upgrade()
            .is_some_and(|core| core.cancel_if_queued(cell))
    }
}
