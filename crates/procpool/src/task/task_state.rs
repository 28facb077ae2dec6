//! Queued, running or finished.

/// The progress of a task through the pool, returned by [`Task::state`](crate::Task::state).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// It waits in the pool's queue, or at a worker that has not started it.
    Queued,
    /// A worker is running it.
    Running,
    /// It has a result or an error.
    Finished,
}
