//! How far a worker has come with a task.

use std::time::Duration;

/// How far a worker says that it has come with a ticket, as
/// [`ControlPage::standing`](crate::ControlPage::standing) tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has not claimed it.
    Unclaimed,
    /// It runs it.
    Running {
        /// When it claimed the ticket or last restarted its clock, on the clock of
        /// [`monotonic_now`](crate::control::monotonic_now). It may lie in the future.
        since: Duration,
    },
    /// It has run it; the result is on its way.
    Finished,
}
