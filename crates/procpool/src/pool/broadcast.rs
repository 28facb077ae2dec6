//! Having every worker of a running pool run something once.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use procpool_wire::Broadcast;
use procpool_worker::{BroadcastCall, TryBroadcastCall};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{EncodeError, TaskError};
use crate::pool::process_pool::ProcessPool;
use crate::task::call::EncodedCall;

impl<S> ProcessPool<S> {
    /// Runs `function(args)` once in every worker, the present ones and all that come later: what
    /// [`Builder::broadcast`](crate::Builder::broadcast) does, in a pool that runs. For a new
    /// configuration, a rotated key, a cache to be emptied.
    ///
    /// It begins in this call. A worker that is idle runs it at once, a busy one after the task that it
    /// has (and those that were already sent to it), one that is starting before its first task; none
    /// takes another task until it has. What is submitted after the returned future has given `Ok`
    /// runs in a worker that has run it. Several run in the order of the calls. The pool remembers it
    /// for as long as it lives: each worker that is started from now on runs it, after all that came
    /// before it.
    ///
    /// Each worker has [`startup_timeout`](crate::Builder::startup_timeout) for it, counted from when it
    /// has nothing else to do; then it is killed.
    ///
    /// # Errors
    /// The first failure. The workers go on, also those where it failed, and what has run in others is not
    /// undone; but **the pool does not remember it**, so that no later worker fails to start for it.
    /// [`TaskError::WorkerStart`] with the cause if it panics, or its worker ends in it or takes too
    /// long; [`TaskError::PoolClosed`] if the pool is closed before every worker has run it;
    /// [`TaskError::Encode`] if it can't be sent to a worker at all. A worker that ends of something
    /// else, or stops, is none of those that had to run it.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing but that nobody is told.
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
        let limit = Broadcast::MAX_ARGS_LEN;
        let call = EncodedCall::new::<fn(A), BroadcastCall, A>(function, args, limit);
        self.begin_broadcast(call)
    }

    /// As [`broadcast`](ProcessPool::broadcast), for a function that may fail.
    ///
    /// # Errors
    /// As there; an `Err` is in the source of [`TaskError::WorkerStart`] as the text that its `Display`
    /// gives.
    ///
    /// # Cancel safety
    /// As of [`broadcast`](ProcessPool::broadcast).
    pub fn try_broadcast<A, E>(
        &self,
        function: fn(A) -> Result<(), E>,
        args: A,
    ) -> impl Future<Output = Result<(), TaskError>> + Send + use<A, E, S>
    where
        A: Serialize + DeserializeOwned + 'static,
        E: fmt::Display + 'static,
    {
        let limit = Broadcast::MAX_ARGS_LEN;
        let call =
            EncodedCall::new::<fn(A) -> Result<(), E>, TryBroadcastCall, A>(function, args, limit);
        self.begin_broadcast(call)
    }

    fn begin_broadcast(
        &self,
        call: Result<EncodedCall, EncodeError>,
    ) -> impl Future<Output = Result<(), TaskError>> + Send + use<S> {
        // The pool stays open while someone waits.
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
