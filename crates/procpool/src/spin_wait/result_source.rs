//! Where the results of one worker come from.

use std::fmt::Debug;

/// Reads the results of one worker for a thread that spins.
pub(crate) trait ResultSource: Debug + Send + Sync {
    /// Whether the worker has sent more than was handled. A look at shared memory.
    fn has_more(&self) -> bool;

    /// Handles what the worker has sent, unless another thread does.
    fn handle_more(&self);

    /// Tells the worker that no thread spins any more, so that it writes its results to the socket.
    fn stop_spinning(&self);
}
