//! What there is to see from outside.

use std::time::Duration;

use crate::id::TaskId;
use crate::state::scheduler::Scheduler;

/// How many tasks and workers are in which state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Tasks not given to a worker.
    pub queued: usize,
    /// Tasks given to a worker and not finished there; some may be resolved already.
    pub in_flight: usize,
    /// Places in the queue that are reserved, and for which there is no task yet.
    pub reserved: usize,
    /// Who waits for such a place.
    pub waiting: usize,
    /// Workers that are not ready yet.
    pub starting: usize,
    /// Ready workers with no task that have yet to run a broadcast.
    pub preparing: usize,
    /// Ready workers with nothing to do.
    pub idle: usize,
    /// Ready workers with a task in flight.
    pub busy: usize,
    /// Workers that were asked to stop.
    pub stopping: usize,
    /// Workers that were killed and are not reaped.
    pub dying: usize,
}

impl<P> Scheduler<P> {
    /// Bytes of a task's entry, from acceptance until it is resolved; its payload is in it.
    pub const TASK_BYTES: usize =
        size_of::<crate::state::table::Place<crate::state::task::Task<P>>>();

    /// How many tasks are accepted and not resolved; constant time.
    #[must_use]
    pub fn open_tasks(&self) -> usize {
        self.open_tasks
    }

    /// How long the task's function took of late, on average. `None` if that is not known, or nor is the task.
    #[must_use]
    pub fn expected(&self, task: TaskId) -> Option<Duration> {
        let task = self.tasks.get(task)?;
        self.history
            .expected(task.function)
            .map(Duration::from_nanos)
    }

    /// How many workers have a task in flight; constant time.
    #[must_use]
    pub fn busy_workers(&self) -> usize {
        self.fleet.busy
    }

    /// A count of everything; constant time.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            queued: self.queue.len(),
            in_flight: self.tasks.len() - self.queue.len(),
            reserved: self.line.granted(),
            waiting: self.line.waiting(),
            starting: self.fleet.starting,
            preparing: self.fleet.preparing,
            idle: self.fleet.idle(),
            busy: self.fleet.busy,
            stopping: self.fleet.stopping,
            dying: self.fleet.dying,
        }
    }
}
