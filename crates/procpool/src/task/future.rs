//! The future of one call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use procpool_wire::{ItemResult, value};
use serde::de::DeserializeOwned;

use crate::driver::Accepted;
use crate::error::{DecodeError, TaskError};
use crate::task::abort_handle::AbortHandle;
use crate::task::catch::catch;
use crate::task::cell::{TaskCell, TaskEnd};
use crate::task::task_id::TaskId;
use crate::task::task_state::TaskState;

/// The future of one call: it gives the function's result, or a [`TaskError`].
///
/// The pool accepted the call before it returned this future, so the call runs whether or not the
/// future is polled. Polling the future decodes the result. A `Task` is `Send` and `Unpin` for every `R`,
/// can be awaited on any runtime, and does not spend tokio's cooperative budget.
///
/// # Cancel safety
/// **Dropping a `Task` cancels it**, also when it loses a `select!` or a `timeout`. A queued task
/// then never runs. If the task is running, its worker's whole process group is killed, and a new
/// worker replaces it. To await a task in several steps, poll `&mut task`. To let it run to its end
/// and discard its result, [`detach`](Task::detach) it.
///
/// ```
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = procpool::ProcessPool::builder().workers(1).build()?;
/// let task = pool.run_in_process(|(a, b): (i32, i32)| a + b, (2, 3));
/// assert_eq!(task.await?, 5);
/// # Ok(()) }
/// ```
#[must_use = "dropping a task cancels it: await it, or `detach()` it to let it run on"]
pub struct Task<R> {
    cell: Arc<TaskCell>,
    /// `None` if the task was never accepted by a pool.
    accepted: Option<Accepted>,
    /// Decodes an `R`. Because this is a function pointer, `Task<R>` is a future without bounds on `R`.
    decode: fn(TaskEnd) -> Result<R, TaskError>,
}

impl<R: DeserializeOwned + 'static> Task<R> {
    pub(crate) fn new(cell: Arc<TaskCell>, accepted: Accepted) -> Self {
        Task {
            cell,
            accepted: Some(accepted),
            decode: decode::<R>,
        }
    }

    /// Returns a task that failed before a pool accepted it.
    pub(crate) fn failed(error: TaskError) -> Self {
        let cell = Arc::new(TaskCell::finished(Err(Box::new(error))));
        Task {
            cell,
            accepted: None,
            decode: decode::<R>,
        }
    }
}

impl<R> Task<R> {
    /// Returns an id that names the task in logs.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.cell.id()
    }

    /// Returns whether the task is queued, running or finished at this moment.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let mut task = pool.run_in_process(|x: u32| x + 1, 1);
    /// assert_eq!((&mut task).await?, 2);
    /// assert_eq!(task.state(), procpool::TaskState::Finished);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn state(&self) -> TaskState {
        match &self.accepted {
            Some(accepted) if !self.cell.is_finished() => accepted.state(&self.cell),
            _ => TaskState::Finished,
        }
    }

    /// Returns whether the task has a result or an error.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.cell.is_finished()
    }

    /// Returns the progress that the running function last reported by
    /// [`worker::set_progress`](crate::worker::set_progress): what is done, and the total.
    ///
    /// `None` if the task is not running, or has reported nothing. This call makes no system call, and neither does
    /// `set_progress`.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn count(to: u64) {
    ///     for done in 0..to {
    ///         procpool::worker::set_progress(done, to);
    ///     }
    /// }
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let task = pool.run_in_process(count, 1000);
    /// if let Some((done, total)) = task.progress() {
    ///     println!("{done} of {total}");
    /// }
    /// task.await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn progress(&self) -> Option<(u64, u64)> {
        self.accepted.as_ref()?.progress(&self.cell)
    }

    /// Cancels the task, as dropping it does. The task can still be awaited: it gives
    /// [`TaskError::Cancelled`], or its result if it had already finished.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn hang(_: ()) {
    ///     loop { std::hint::spin_loop() }
    /// }
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let task = pool.run_in_process(hang, ());
    /// task.abort();
    /// assert!(task.await.unwrap_err().is_cancelled());
    /// # Ok(()) }
    /// ```
    pub fn abort(&self) {
        if let Some(accepted) = self.accepted.as_ref().filter(|_| !self.cell.is_finished()) {
            accepted.cancel(&self.cell);
        }
    }

    /// Aborts the task at the time `at` unless it has finished by then. `None` removes an earlier time.
    pub(crate) fn abort_at(&self, at: Option<Instant>) {
        if let Some(accepted) = self.accepted.as_ref().filter(|_| !self.cell.is_finished()) {
            accepted.cancel_at(&self.cell, at);
        }
    }

    /// Registers `waker` in place of any other, to be woken when the task finishes.
    ///
    /// Returns whether the task has already finished. If it has, `waker` is not woken.
    pub(crate) fn watch(&self, waker: Waker) -> bool {
        self.cell.watch(waker)
    }

    /// Returns the result or error if the task has finished.
    pub(crate) fn take(&mut self) -> Option<Result<R, TaskError>> {
        if !self.cell.is_finished() {
            return None;
        }
        match Pin::new(self).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    /// Returns a handle that can abort the task from elsewhere.
    ///
    /// The handle keeps neither the task nor its pool alive.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle::new(
            self.cell.id(),
            Arc::clone(&self.cell),
            self.accepted.as_ref().map(Accepted::downgrade),
        )
    }

    /// Lets the task run to its end without a `Task`; its result or error is discarded.
    ///
    /// A running detached task keeps the pool open, even after the last handle is dropped. It does not
    /// outlive the pool's runtime or the program.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// pool.run_in_process(|text: String| println!("{text}"), "hello".to_owned()).detach();
    /// pool.shutdown().await; // waits for the detached task
    /// # Ok(()) }
    /// ```
    pub fn detach(mut self) {
        self.accepted = None;
    }
}

impl<R> Future for Task<R> {
    type Output = Result<R, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let end = ready!(self.cell.poll(cx));
        // The task has finished, so dropping this future must not cancel it.
        self.accepted = None;
        Poll::Ready((self.decode)(end))
    }
}

impl<R> Drop for Task<R> {
    fn drop(&mut self) {
        self.abort();
    }
}

impl<R> fmt::Debug for Task<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.cell.id())
            // The state would take the pool's lock.
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

pub(crate) fn decode<R: DeserializeOwned + 'static>(mut end: TaskEnd) -> Result<R, TaskError> {
    match end {
        // The payload is decoded in place, which saves a copy.
        Ok(ref mut result) => decode_caught(|| result.take()),
        Err(error) => Err(*error),
    }
}

pub(crate) fn decode_result<R: DeserializeOwned + 'static>(
    result: ItemResult<'_>,
) -> Result<R, TaskError> {
    decode_caught(|| result.decode())
}

/// Decodes a result into `into`, which saves the copy that [`decode_result`] makes.
#[inline]
pub(crate) fn decode_into<R: DeserializeOwned + 'static>(
    result: ItemResult<'_>,
    into: &mut Option<R>,
) -> Result<(), TaskError> {
    match catch(|| result.decode().map(|value| *into = Some(value))) {
        Some(Ok(())) => Ok(()),
        failed => Err(undecoded(failed.and_then(Result::err))),
    }
}

/// Returns the error of a result that can't be decoded; with `None`, its `Deserialize` panicked.
#[cold]
fn undecoded(error: Option<value::DecodeError>) -> TaskError {
    TaskError::Decode(match error {
        Some(error) => DecodeError::result(error),
        None => DecodeError::result("its `Deserialize` panicked"),
    })
}

fn decode_caught<R>(
    decode: impl FnOnce() -> Result<R, value::DecodeError>,
) -> Result<R, TaskError> {
    // If the user's `Deserialize` panics, the task fails; the code that awaits it does not panic.
    match catch(decode) {
        Some(Ok(result)) => Ok(result),
        Some(Err(error)) => Err(undecoded(Some(error))),
        None => Err(undecoded(None)),
    }
}
