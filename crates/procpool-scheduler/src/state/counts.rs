//! Counts and estimates, for the driver.

use std::time::Duration;

use crate::id::TaskId;
use crate::state::scheduler::Scheduler;

/// How many tasks and workers are in which state.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Tasks that wait in the queue.
    pub queued: usize,
    /// Tasks that a worker has, or that pause before a retry. Some may be resolved already.
    pub in_flight: usize,
    /// Room in the queue that is granted, and for which there is no task yet.
    pub reserved: usize,
    /// Callers that wait for such room.
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
    /// Bytes of a task's entry with its payload, from acceptance until it is resolved.
    pub const TASK_BYTES: usize =
        size_of::<crate::state::table::Place<crate::state::task::Task<P>>>();

    /// How many tasks are accepted and not resolved; constant time.
    #[must_use]
    pub fn open_tasks(&self) -> usize {
        self.open_tasks
    }

    /// How long the task's function is expected to run. `None` if it has never finished, or the task is unknown.
    #[must_use]
    pub fn expected(&self, task: TaskId) -> Option<Duration> {
        let task = self.tasks.get(task)?;
        self.run_times
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
            reserved: self.reservations.granted(),
            waiting: self.reservations.waiting(),
            starting: self.fleet.starting,
            preparing: self.fleet.preparing,
            idle: self.fleet.idle(),
            busy: self.fleet.busy,
            stopping: self.fleet.stopping,
            dying: self.fleet.dying,
        }
    }
}
