//! How far a worker has come with a task.

use std::time::Duration;

/// How far a worker has come with a dispatch, as it reports on the page:
/// [`ControlPage::run_state`](crate::ControlPage::run_state).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// The worker has not claimed it.
    Unclaimed,
    /// The worker runs it.
    Running {
        /// When the worker claimed it or last restarted its clock, on the clock of
        /// [`monotonic_now`](crate::control::monotonic_now). It may lie in the future.
        since: Duration,
    },
    /// The worker has run it; the result will follow.
    Finished,
}
