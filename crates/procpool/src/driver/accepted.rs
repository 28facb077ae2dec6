//! A task that a pool has accepted, as its `Task` and `AbortHandle` know it.

use std::sync::{Arc, Weak};
use std::time::Instant;

use procpool_scheduler::TaskId;

use crate::driver::core::Core;
use crate::driver::open_pool::OpenPool;
use crate::task_state::TaskState;

/// Keeps the pool open for one task.
#[derive(Debug)]
pub(crate) struct Accepted {
    pool: Arc<OpenPool>,
    task: TaskId,
}

/// The same without keeping anything open.
#[derive(Debug, Clone)]
pub(crate) struct WeakAccepted {
    core: Weak<Core>,
    task: TaskId,
}

impl Accepted {
    pub(crate) fn new(pool: Arc<OpenPool>, task: TaskId) -> Self {
        Accepted { pool, task }
    }

    pub(crate) fn cancel(&self) {
        self.pool.core().cancel(self.task);
    }

    /// Cancels the task at this moment, if it isn't finished by then; `None` takes that back.
    pub(crate) fn cancel_at(&self, at: Option<Instant>) {
        self.pool.core().cancel_at(self.task, at);
    }

    pub(crate) fn state(&self) -> TaskState {
        self.pool.core().task_state(self.task)
    }

    pub(crate) fn progress(&self) -> Option<(u64, u64)> {
        self.pool.core().progress(self.task)
    }

    pub(crate) fn downgrade(&self) -> WeakAccepted {
        WeakAccepted {
            core: Arc::downgrade(self.pool.core()),
            task: self.task,
        }
    }
}

impl WeakAccepted {
    pub(crate) fn cancel(&self) {
        if let Some(core) = self.core.upgrade() {
            core.cancel(self.task);
        }
    }

    pub(crate) fn cancel_if_queued(&self) -> bool {
        self.core
            .upgrade()
            .is_some_and(|core| core.cancel_if_queued(self.task))
    }
}
