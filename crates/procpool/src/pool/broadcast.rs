//! Running a function once in every worker of a running pool.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use procpool_wire::Preparation;
use procpool_worker::{BroadcastCall, TryBroadcastCall};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{EncodeError, TaskError};
use crate::pool::process_pool::ProcessPool;
use crate::task::call::EncodedCall;

impl<S> ProcessPool<S> {
    /// Runs `function(args)` once in every worker, in those that exist and in all that start later.
    /// Use it for a new configuration, a rotated key, or a cache that must be emptied.
    ///
    /// It does in a running pool what [`Builder::broadcast`](crate::Builder::broadcast) does in a new
    /// one. The broadcast starts in this call:
    /// - an idle worker runs it at once;
    /// - a busy worker runs it after its running task and the tasks already sent to it;
    /// - a starting worker runs it before its first task.
    ///
    /// No worker takes another task before it has run the broadcast. Tasks submitted after the
    /// returned future gave `Ok` run only in workers that have run it. Several broadcasts run in the
    /// order of the calls. The pool remembers each of them until its end: every worker that starts
    /// later runs all of them in that order.
    ///
    /// Each worker has [`startup_timeout`](crate::Builder::startup_timeout) to run it, counted from
    /// the moment when the worker has nothing else to do. A worker that takes longer is killed.
    ///
    /// # Errors
    /// The first failure in any worker:
    /// - [`TaskError::WorkerStart`], with the cause, if the function panics, its worker exits while it
    ///   runs, or it takes too long;
    /// - [`TaskError::PoolClosed`] if the pool is closed before every worker has run it;
    /// - [`TaskError::Encode`] if the call can't be sent to a worker.
    ///
    /// After a failure the workers keep running, including those in which the function failed, and its
    /// effects in other workers are not undone. But **the pool forgets a failed broadcast**, so that
    /// later workers can start. A worker that stops, or exits for another reason, no longer counts
    /// among those that must run it.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the broadcast; only its outcome is lost.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// static QUALITY: AtomicU32 = AtomicU32::new(80);
    ///
    /// fn set_quality(quality: u32) {
    ///     QUALITY.store(quality, Ordering::Relaxed);
    /// }
    ///
    /// let pool = procpool::ProcessPool::builder().workers(2).build()?;
    /// pool.broadcast(set_quality, 95).await?;
    /// let quality = pool.run_in_process(|()| QUALITY.load(Ordering::Relaxed), ()).await?;
    /// assert_eq!(quality, 95);
    /// # Ok(()) }
    /// ```
    pub fn broadcast<A>(
        &self,
        function: fn(A),
        args: A,
    ) -> impl Future<Output = Result<(), TaskError>> + Send + use<A, S>
    where
        A: Serialize + DeserializeOwned + 'static,
    {
        let limit = Preparation::MAX_ARGS_LEN;
        let call = EncodedCall::new::<fn(A), BroadcastCall, A>(function, args, limit);
        self.begin_broadcast(call)
    }

    /// Broadcasts a function that may fail; all else is as with
    /// [`broadcast`](ProcessPool::broadcast).
    ///
    /// # Errors
    /// As [`broadcast`](ProcessPool::broadcast). If the function returns `Err`, the source of the
    /// [`TaskError::WorkerStart`] has the text of the error's `Display`.
    ///
    /// # Cancel safety
    /// As [`broadcast`](ProcessPool::broadcast).
    pub fn try_broadcast<A, E>(
        &self,
        function: fn(A) -> Result<(), E>,
        args: A,
    ) -> impl Future<Output = Result<(), TaskError>> + Send + use<A, E, S>
    where
        A: Serialize + DeserializeOwned + 'static,
        E: fmt::Display + 'static,
    {
        let limit = Preparation::MAX_ARGS_LEN;
        let call =
            EncodedCall::new::<fn(A) -> Result<(), E>, TryBroadcastCall, A>(function, args, limit);
        self.begin_broadcast(call)
    }

    fn begin_broadcast(
        &self,
        call: Result<EncodedCall, EncodeError>,
    ) -> impl Future<Output = Result<(), TaskError>> + Send + use<S> {
        // The future keeps the pool open until the broadcast has finished.
        let open = Arc::clone(self.open());
        let begun = call.map(|call| open.core().broadcast(call));
        async move {
            let told = begun.map_err(TaskError::Encode)?;
            let told = told.await;
            drop(open);
            told.unwrap_or(Err(TaskError::PoolClosed))
        }
    }
}
