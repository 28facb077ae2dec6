//! Where the results of one worker come from.

use std::fmt::Debug;

/// Reads the results of one worker for a thread that spins.
pub(crate) trait ResultSource: Debug + Send + Sync {
    /// Returns whether the worker has results that were not handled. This reads shared memory and makes no system call.
    fn has_more(&self) -> bool;

    /// Handles the worker's results, unless another thread is doing so.
    fn handle_more(&self);

    /// Records on the control page that no thread spins any more, so that the worker writes its results to the socket.
    fn stop_spinning(&self);
}
