//! Calls for a queue with a capacity: refuse a call with its arguments, or wait for room.

use procpool_os::{CallOffsets, FunctionPointer, Trampoline};
use procpool_scheduler::RefusedReason;
use procpool_wire::Run;
use procpool_worker::{PlainCall, StatefulCall};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::driver::Reservation;
use crate::error::{EncodeError, PoolClosed, Rejected, TaskError};
use crate::pool::permit::Permit;
use crate::pool::process_pool::ProcessPool;
use crate::task::call::{EncodedCall, discard, offsets};
use crate::task::future::Task;

impl<S> ProcessPool<S> {
    /// Runs `function(args)` as [`run_in_process`](ProcessPool::run_in_process) does, or returns the
    /// arguments if the pool does not accept the task.
    ///
    /// If the queue is already known to be full, the arguments are not even encoded.
    ///
    /// # Errors
    /// [`Rejected`] if the queue is full, if other callers wait in
    /// [`reserve`](ProcessPool::reserve), or if the pool is closed. An error of the call itself is
    /// given by the task instead, since it would fail in any pool at any time: arguments that can't be
    /// encoded give [`TaskError::Encode`].
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn hash(text: String) -> u64 {
    ///     text.bytes().fold(5381, |hash, byte| hash * 33 ^ u64::from(byte))
    /// }
    ///
    /// let pool = procpool::ProcessPool::builder().workers(1).queue_capacity(100).build()?;
    /// let hash = match pool.try_run_in_process(hash, "text".to_owned()) {
    ///     Ok(task) => task.await?,
    ///     // The pool is busy: run it here.
    ///     Err(rejected) => hash(rejected.into_args()),
    /// };
    /// # assert_ne!(hash, 0);
    /// # Ok(()) }
    /// ```
    pub fn try_run_in_process<A, R>(
        &self,
        function: fn(A) -> R,
        args: A,
    ) -> Result<Task<R>, Rejected<A>>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        self.try_run::<_, PlainCall, A, R>(function, args)
    }

    /// Runs `function(&mut state, args)` as [`run_with_state`](ProcessPool::run_with_state) does, or
    /// returns the arguments if the pool does not accept the task.
    ///
    /// # Errors
    /// As [`try_run_in_process`](ProcessPool::try_run_in_process).
    pub fn try_run_with_state<A, R>(
        &self,
        function: fn(&mut S, A) -> R,
        args: A,
    ) -> Result<Task<R>, Rejected<A>>
    where
        S: 'static,
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        self.try_run::<_, StatefulCall, A, R>(function, args)
    }

    /// Waits until there is room for one task and reserves it. The returned [`Permit`] runs one task,
    /// which can't be refused because the queue is full.
    ///
    /// Room is a free worker or a place in the queue, whose length is
    /// [`Builder::queue_capacity`](crate::Builder::queue_capacity). A pool without a `queue_capacity`
    /// always has room. Callers get room in the order in which they asked for it; meanwhile the pool
    /// refuses calls of [`run_in_process`](ProcessPool::run_in_process). The permit's task has the
    /// options of this handle.
    ///
    /// The future works on any runtime and without one, and does not spend tokio's cooperative budget.
    ///
    /// # Errors
    /// [`PoolClosed`] if, before there is room, the pool is closed or terminated, or its runtime
    /// stops.
    ///
    /// # Cancel safety
    /// The first poll joins the queue of callers that wait for room. Dropping the future leaves that queue.
    /// Room that the future has just got goes to the next caller.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).queue_capacity(2).build()?;
    /// let mut tasks = Vec::new();
    /// for number in 0..10_u64 {
    ///     // Never more than three at once, however many numbers there are.
    ///     let permit = pool.reserve().await?;
    ///     tasks.push(permit.run_in_process(|x| x * x, number));
    /// }
    /// let squares = futures::future::try_join_all(tasks).await?;
    /// assert_eq!(squares[9], 81);
    /// # Ok(()) }
    /// ```
    pub async fn reserve(&self) -> Result<Permit<S>, PoolClosed> {
        let room = Reservation::granted(self.open()).await?;
        Ok(Permit::new(self.clone(), room))
    }

    fn try_run<F, T, A, R>(&self, function: F, args: A) -> Result<Task<R>, Rejected<A>>
    where
        F: FunctionPointer,
        T: Trampoline<F>,
        A: Serialize,
        R: DeserializeOwned + 'static,
    {
        let task = match offsets::<F, T>(function) {
            Ok(offsets) => self.try_submit(offsets, &args),
            Err(error) => Ok(unsendable(error)),
        };
        match task {
            Ok(task) => Ok(match discard(args) {
                Ok(()) => task,
                // The accepted task is dropped here, which cancels it.
                Err(error) => unsendable(error),
            }),
            Err(reason) => Err(Rejected::new(args, reason)),
        }
    }

    fn try_submit<A, R>(&self, offsets: CallOffsets, args: &A) -> Result<Task<R>, RefusedReason>
    where
        A: Serialize,
        R: DeserializeOwned + 'static,
    {
        let function = self.spec(offsets).function;
        if let Some(reason) = self.open().core().refusal(function) {
            return Err(reason);
        }
        match EncodedCall::of(offsets, args, Run::MAX_ARGS_LEN) {
            Ok(call) => self.submit(call, None),
            Err(error) => Ok(unsendable(error)),
        }
    }
}

fn unsendable<R: DeserializeOwned + 'static>(error: EncodeError) -> Task<R> {
    Task::failed(TaskError::Encode(error))
}
