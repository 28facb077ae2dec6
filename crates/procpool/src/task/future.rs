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

/// A call that was made: a future of the function's result.
///
/// The call was accepted when this was returned, and runs whether or not this is polled. The result
/// is decoded when it is awaited. A `Task` is `Send` and `Unpin` whatever `R` is, can be awaited on
/// any runtime, and doesn't spend tokio's cooperative budget.
///
/// # Cancel safety
/// **Dropping a `Task` cancels it**, also when it loses a `select!` or a `timeout`. If it was
/// queued, it never runs. If it was running, its worker's whole process group is killed and a new
/// worker takes its place. To await it in several steps, poll `&mut task`; to let it run on unheard,
/// [`detach`](Task::detach) it.
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
    /// Makes an `R`; so `Task` needs no bounds to be a future, wherever it is named.
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

    /// A task that has failed before any pool accepted it.
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
    /// The task's name in logs.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.cell.id()
    }

    /// How far the task has come, at this moment.
    #[must_use]
    pub fn state(&self) -> TaskState {
        match &self.accepted {
            Some(accepted) if !self.cell.is_finished() => accepted.state(&self.cell),
            _ => TaskState::Finished,
        }
    }

    /// Whether the task has a result or an error.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.cell.is_finished()
    }

    /// How far the running task says that it has come, by
    /// [`worker::set_progress`](crate::worker::set_progress): what is done, and of how much. `None` if
    /// it does not run now, or has said nothing. It costs no system call on either side.
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

    /// Cancels the task as dropping it does, but leaves it to be awaited: it gives
    /// [`TaskError::Cancelled`], or its result if it had already finished.
    pub fn abort(&self) {
        if let Some(accepted) = self.accepted.as_ref().filter(|_| !self.cell.is_finished()) {
            accepted.cancel(&self.cell);
        }
    }

    /// Aborts the task at this moment, if it isn't finished by then; `None` takes that back.
    pub(crate) fn abort_at(&self, at: Option<Instant>) {
        if let Some(accepted) = self.accepted.as_ref().filter(|_| !self.cell.is_finished()) {
            accepted.cancel_at(&self.cell, at);
        }
    }

    /// Has the waker woken when the task finishes, and nobody else's; tells whether it is finished,
    /// when nobody is woken.
    pub(crate) fn watch(&self, waker: Waker) -> bool {
        self.cell.watch(waker)
    }

    /// The result or error, once the task is finished.
    pub(crate) fn take(&mut self) -> Option<Result<R, TaskError>> {
        if !self.cell.is_finished() {
            return None;
        }
        match Pin::new(self).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    /// A handle that can abort the task from elsewhere. It keeps neither the task nor its pool
    /// alive.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle::new(
            self.cell.id(),
            Arc::clone(&self.cell),
            self.accepted.as_ref().map(Accepted::downgrade),
        )
    }

    /// Lets the task run on with nobody to wait for it. Its result or error is thrown away.
    ///
    /// The pool stays open for it as long as it runs, even when the last handle is gone; it does not
    /// outlive the runtime or the program.
    pub fn detach(mut self) {
        self.accepted = None;
    }
}

impl<R> Future for Task<R> {
    type Output = Result<R, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let end = ready!(self.cell.poll(cx));
        // There is nothing left to cancel.
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
        // From where it is: to move it once more costs more than it seems.
        Ok(ref mut result) => decode_caught(|| result.take()),
        Err(error) => Err(*error),
    }
}

pub(crate) fn decode_result<R: DeserializeOwned + 'static>(
    result: ItemResult<'_>,
) -> Result<R, TaskError> {
    decode_caught(|| result.decode())
}

/// As [`decode_result`], to where the value is wanted.
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

/// There is no result; if its decoding has not even an error, it has panicked.
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
    // A `Deserialize` of the user's that panics costs this task, not the one that awaits it.
    match catch(decode) {
        Some(Ok(result)) => Ok(result),
        Some(Err(error)) => Err(undecoded(Some(error))),
        None => Err(undecoded(None)),
    }
}
