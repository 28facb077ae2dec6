//! A call whose result a thread can wait for.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use crate::adapters::blocking::wait::{wait, wait_timeout};
use crate::error::TaskError;
use crate::task::abort_handle::AbortHandle;
use crate::task::task_id::TaskId;
use crate::task::task_state::TaskState;

/// A call in a pool for programs without tokio; [`wait`](Task::wait) gives its result.
///
/// The pool accepted the call before it returned this task; the call runs whether or not a thread
/// waits. **Dropping a `Task` cancels it**; [`detach`](Task::detach) lets it run to its end. It becomes
/// a [`procpool::Task`](crate::Task) by [`IntoFuture`].
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
///         Err(task) => task, // not finished: do something else
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

    /// Blocks the thread until the task is finished, and returns its result.
    ///
    /// # Errors
    /// The [`TaskError`] that [`procpool::Task`](crate::Task) would give.
    pub fn wait(self) -> Result<R, TaskError> {
        wait(self.0)
    }

    /// Blocks the thread until the task is finished, for at most `limit`. With a `limit` of zero it
    /// does not block.
    ///
    /// The task goes on after `limit`. To stop it, drop the returned task, or set
    /// [`TaskOptions::timeout`](crate::TaskOptions::timeout).
    ///
    /// # Errors
    /// The task itself, if it has not finished.
    pub fn wait_timeout(mut self, limit: Duration) -> Result<Result<R, TaskError>, Self> {
        wait_timeout(Pin::new(&mut self.0), limit).ok_or(self)
    }

    /// Returns whether the task has a result or an error, so that [`wait`](Task::wait) does not block.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.state() == TaskState::Finished
    }

    /// Returns an id that names the task in logs.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.0.id()
    }

    /// Returns whether the task is queued, running or finished at this moment.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.0.state()
    }

    /// Returns the progress that the running function last reported; see
    /// [`Task::progress`](crate::Task::progress).
    #[must_use]
    pub fn progress(&self) -> Option<(u64, u64)> {
        self.0.progress()
    }

    /// Cancels the task as dropping it does, but leaves it to be waited for: it then gives
    /// [`TaskError::Cancelled`], or its result if it had already finished.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Returns a handle that can abort the task from another thread, also while a thread waits for it.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        self.0.abort_handle()
    }

    /// Lets the task run to its end without a `Task`; its result or error is discarded.
    ///
    /// [`ProcessPool::shutdown`](crate::blocking::ProcessPool::shutdown) waits for a detached task. The
    /// task does not outlive the program.
    pub fn detach(self) {
        self.0.detach();
    }
}

/// Returns the same task as a future for any runtime.
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
