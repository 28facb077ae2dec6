//! A call whose result can be waited for.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use crate::adapters::blocking::wait::{wait, wait_timeout};
use crate::error::TaskError;
use crate::task::abort_handle::AbortHandle;
use crate::task::task_id::TaskId;
use crate::task::task_state::TaskState;

/// A call that was made, from a pool for programs without tokio.
///
/// The call was accepted when this was returned, and runs whether or not anybody waits. The result
/// is decoded by who waits for it. **Dropping a `Task` cancels it**, as with
/// [`procpool::Task`](crate::Task), which this becomes by [`IntoFuture`]; to let it run on unheard,
/// [`detach`](Task::detach) it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # procpool::init();
/// use std::time::Duration;
///
/// let pool = procpool::blocking::ProcessPool::builder().workers(1).build_blocking()?;
/// let mut task = pool.run_in_process(|(a, b): (i32, i32)| a + b, (2, 3));
/// let sum = loop {
///     task = match task.wait_timeout(Duration::from_millis(1)) {
///         Ok(result) => break result?,
///         Err(task) => task, // not yet: time to do something else
///     };
/// };
/// assert_eq!(sum, 5);
/// # Ok(()) }
/// ```
#[must_use = "dropping a task cancels it: `wait()` for it, or `detach()` it to let it run on"]
pub struct Task<R>(crate::Task<R>);

impl<R> Task<R> {
    pub(super) fn new(task: crate::Task<R>) -> Self {
        Task(task)
    }

    /// Blocks the thread until the task is finished, and gives its result.
    ///
    /// # Errors
    /// [`TaskError`], as of the future of an async pool.
    pub fn wait(self) -> Result<R, TaskError> {
        wait(self.0)
    }

    /// As [`wait`](Task::wait), but for `limit` at most. A `limit` of zero doesn't wait.
    ///
    /// This only ends the waiting. To have the task itself end, drop what comes back, or set
    /// [`TaskOptions::timeout`](crate::TaskOptions::timeout).
    ///
    /// # Errors
    /// The task itself, which goes on, if it isn't finished by then.
    pub fn wait_timeout(mut self, limit: Duration) -> Result<Result<R, TaskError>, Self> {
        wait_timeout(Pin::new(&mut self.0), limit).ok_or(self)
    }

    /// Whether the task has a result or an error: [`wait`](Task::wait) would not block.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.state() == TaskState::Finished
    }

    /// The task's name in logs.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.0.id()
    }

    /// How far the task has come, at this moment.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.0.state()
    }

    /// How far the running task says that it has come; see [`Task::progress`](crate::Task::progress).
    #[must_use]
    pub fn progress(&self) -> Option<(u64, u64)> {
        self.0.progress()
    }

    /// Cancels the task as dropping it does, but leaves it to be waited for: it gives
    /// [`TaskError::Cancelled`], or its result if it had already finished.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// A handle that can abort the task from another thread, also while one waits for it.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        self.0.abort_handle()
    }

    /// Lets the task run on with nobody to wait for it. Its result or error is thrown away. It does
    /// not outlive the program; [`ProcessPool::shutdown`](crate::blocking::ProcessPool::shutdown)
    /// waits for it.
    pub fn detach(self) {
        self.0.detach();
    }
}

/// The same task, to be awaited on any runtime.
impl<R> IntoFuture for Task<R> {
    type Output = Result<R, TaskError>;
    type IntoFuture = crate::Task<R>;

    fn into_future(self) -> crate::Task<R> {
        self.0
    }
}

impl<R> fmt::Debug for Task<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
