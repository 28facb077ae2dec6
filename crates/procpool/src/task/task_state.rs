//! How far a task has come.

/// How far a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// It waits for a worker, or at a worker that has not begun it.
    Queued,
    /// A worker runs it.
    Running,
    /// It has a result or an error, which may be awaited.
    Finished,
}
