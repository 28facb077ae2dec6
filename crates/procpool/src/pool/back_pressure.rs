//! What a caller can do about a queue that is full: have the call back, or wait.

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
    /// As [`run_in_process`](ProcessPool::run_in_process), but a call that the pool does not accept
    /// comes back, with its arguments.
    ///
    /// If it is clear beforehand that there is no room, the arguments are not even encoded.
    ///
    /// # Errors
    /// [`Rejected`] if the queue is full, if others wait for room by
    /// [`reserve`](ProcessPool::reserve), or if the pool is closed. Whatever is wrong with the call
    /// itself is an error of the task, as ever: arguments that can't be encoded make a task that has
    /// failed with [`TaskError::Encode`], since no other moment and no other pool would help them.
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
    ///     // Too much to do: do it here.
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

    /// As [`run_with_state`](ProcessPool::run_with_state), but a call that the pool does not accept
    /// comes back, with its arguments.
    ///
    /// # Errors
    /// As of [`try_run_in_process`](ProcessPool::try_run_in_process).
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

    /// Waits until there is room for a task, and holds it: the [`Permit`] runs one task, which can't
    /// be refused for want of room.
    ///
    /// Room is what [`Builder::queue_capacity`](crate::Builder::queue_capacity) says: a free worker,
    /// or a place in the queue. It is given in the order in which it was asked for, and a call of
    /// [`run_in_process`](ProcessPool::run_in_process) can't take it from those who wait. The task
    /// of the permit has the options of this handle.
    ///
    /// Works on any runtime and on none, and spends none of tokio's cooperative budget. A pool
    /// without a `queue_capacity` always has room.
    ///
    /// # Errors
    /// [`PoolClosed`] if the pool is closed or terminated, or its runtime stops, before there is
    /// room.
    ///
    /// # Cancel safety
    /// The place in line is taken by the first poll. If this is dropped, the next one moves up; if
    /// it had been given room just then, that goes to the next one.
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
                // What is dropped here is cancelled.
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
