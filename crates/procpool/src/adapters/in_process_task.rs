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

/// The future of a call that [`InProcess`](crate::InProcess) runs.
///
/// Like [`Task`](crate::Task), it is `Send` and `Unpin` whatever `R` is, can be awaited on any runtime,
/// and does not spend tokio's cooperative budget.
///
/// # Cancel safety
/// **Dropping it cancels the call** if the function has not started: it then never runs. A running
/// function runs to its end, since a thread can't be stopped, and its result is discarded.
#[must_use = "dropping a task cancels it: await it"]
pub struct InProcessTask<R> {
    cell: Arc<TaskCell>,
    /// `None` if the call failed before it was given to a thread.
    job: Option<AbortHandle>,
    /// Decodes an `R`. With a function pointer here, the future needs no bounds on `R`.
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
