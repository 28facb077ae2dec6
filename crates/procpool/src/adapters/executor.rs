//! The trait of everything that runs functions, with or without processes.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::TaskError;
use crate::pool::process_pool::ProcessPool;
use crate::task::future::Task;

/// Runs functions: a [`ProcessPool`], or [`InProcess`](crate::InProcess) without any process.
///
/// Code that is generic over its `Executor` can be tested, or run in a single process, without workers.
/// Every executor guarantees:
///
/// - A call is accepted at once, and runs whether or not its future is polled.
/// - Arguments and result are encoded and decoded. What can't be encoded or decoded gives
///   [`TaskError::Encode`] or [`TaskError::Decode`].
/// - If the function panics, the call gives [`TaskError::Panicked`]; no other call is affected.
/// - Dropping the future cancels the call: if the function has not started, it never runs.
///
/// Each executor documents what happens to a function that has started, and its other errors.
///
/// ```
/// use procpool::{Executor, InProcess, ProcessPool, TaskError};
///
/// async fn word_counts(executor: &impl Executor, texts: [&str; 2]) -> Result<Vec<usize>, TaskError> {
///     let count = |text: String| text.split_whitespace().count();
///     let calls = texts.map(|text| executor.execute(count, text.to_owned()));
///     futures::future::try_join_all(calls).await
/// }
///
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = ProcessPool::builder().workers(1).build()?;
/// assert_eq!(word_counts(&pool, ["to be", "or not to be"]).await?, [2, 4]);
/// assert_eq!(word_counts(&InProcess::new()?, ["to be", "or not to be"]).await?, [2, 4]);
/// # Ok(()) }
/// ```
pub trait Executor: Send + Sync {
    /// The future of a call's result.
    ///
    /// # Cancel safety
    /// Dropping it cancels the call.
    type Task<R>: Future<Output = Result<R, TaskError>> + Send + Unpin + 'static
    where
        R: DeserializeOwned + 'static;

    /// Runs `function(args)`.
    ///
    /// # Errors
    /// This call returns no error; the future gives a [`TaskError`].
    ///
    /// # Panics
    /// Never.
    #[must_use = "dropping a task cancels it: await it"]
    fn execute<A, R>(&self, function: fn(A) -> R, args: A) -> Self::Task<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static;
}

/// Calls [`run_in_process`](ProcessPool::run_in_process) with the options of this handle.
impl<S> Executor for ProcessPool<S> {
    type Task<R>
        = Task<R>
    where
        R: DeserializeOwned + 'static;

    fn execute<A, R>(&self, function: fn(A) -> R, args: A) -> Task<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        self.run_in_process(function, args)
    }
}
