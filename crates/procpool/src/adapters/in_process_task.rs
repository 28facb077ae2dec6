//! The future of a call that runs in this process.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;
use tokio::task::AbortHandle;

use crate::error::TaskError;
use crate::task::cell::{TaskCell, TaskEnd};
use crate::task::future::decode;

/// A call that was made of [`InProcess`](crate::InProcess): a future of the function's result.
///
/// As [`Task`](crate::Task) it is `Send` and `Unpin` whatever `R` is, can be awaited on any runtime,
/// and doesn't spend tokio's cooperative budget.
///
/// # Cancel safety
/// **Dropping it cancels the call**, if the function has not begun: then it never runs. If it has,
/// it runs on to its end, for a thread can't be ended, and its result is thrown away.
#[must_use = "dropping a task cancels it: await it"]
pub struct InProcessTask<R> {
    cell: Arc<TaskCell>,
    /// `None` if no thread was asked for.
    job: Option<AbortHandle>,
    /// Makes an `R`; so this needs no bounds to be a future.
    decode: fn(TaskEnd) -> Result<R, TaskError>,
}

impl<R: DeserializeOwned + 'static> InProcessTask<R> {
    pub(crate) fn new(cell: Arc<TaskCell>, job: AbortHandle) -> Self {
        InProcessTask {
            cell,
            job: Some(job),
            decode: decode::<R>,
        }
    }

    pub(crate) fn failed(error: TaskError) -> Self {
        InProcessTask {
            cell: Arc::new(TaskCell::finished(Err(Box::new(error)))),
            job: None,
            decode: decode::<R>,
        }
    }
}

impl<R> Future for InProcessTask<R> {
    type Output = Result<R, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.cell.poll(cx).map(self.decode)
    }
}

impl<R> Drop for InProcessTask<R> {
    fn drop(&mut self) {
        if let Some(job) = &self.job {
            job.abort();
        }
    }
}

impl<R> fmt::Debug for InProcessTask<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessTask")
            .field("is_finished", &self.cell.is_finished())
            .finish()
    }
}
