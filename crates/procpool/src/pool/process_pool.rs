//! The handle of a pool.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use procpool_os::{CallOffsets, FunctionPointer, Trampoline};
use procpool_scheduler::{FunctionKey, RefusedReason, ReservationId, TaskSpec};
use procpool_wire::Run;
use procpool_worker::{PlainCall, StatefulCall};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::driver::{Accepted, Chunk, ChunkCall, Job, OpenPool, Reservation, Sink};
use crate::error::{EncodeError, TaskError};
use crate::options::task_options::TaskOptions;
use crate::pool::shutdown_report::ShutdownReport;
use crate::task::call::EncodedCall;
use crate::task::cell::TaskCell;
use crate::task::future::Task;

/// A pool of worker processes that run plain functions.
///
/// A handle: cheap to clone, `Send` and `Sync`, and usable from any thread and any runtime. The pool
/// itself lives on the runtime it was built on. When the last handle and the last awaited [`Task`]
/// are gone, or that runtime stops, so are all of its workers.
///
/// `S` is the type of a state that every worker holds; `()` for none.
///
/// ```
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// fn word_count(text: String) -> usize {
///     text.split_whitespace().count()
/// }
///
/// let pool = procpool::ProcessPool::builder().workers(1).build()?;
/// assert_eq!(pool.run_in_process(word_count, "to be or not".to_owned()).await?, 4);
/// pool.shutdown().await;
/// # Ok(()) }
/// ```
pub struct ProcessPool<S = ()> {
    open: Arc<OpenPool>,
    options: Arc<TaskOptions>,
    /// Workers have an `S`, this handle has none.
    state: PhantomData<fn(S)>,
}

impl<S> ProcessPool<S> {
    pub(crate) fn from_open(open: Arc<OpenPool>) -> Self {
        ProcessPool {
            open,
            options: Arc::default(),
            state: PhantomData,
        }
    }

    /// Runs `function(args)` in a worker process.
    ///
    /// The task is accepted in this call, as with `spawn_blocking`: it runs whether or not the
    /// returned [`Task`] is polled, in the order of the calls. **Dropping the `Task` cancels it.**
    ///
    /// `function` is a plain function, a generic function, or a closure that captures nothing.
    /// Several arguments are a tuple: `|(image, width): (Vec<u8>, u32)| resize(image, width)`. What
    /// a function that returns a `Result` returns comes back inside: `task.await??`.
    ///
    /// Arguments are encoded in this call and the result is decoded when it is awaited. Any type that
    /// `serde_json` can carry comes back equal; each may take 1 GiB at most, encoded.
    ///
    /// # Errors
    /// None here; the `Task` gives a [`TaskError`]. Arguments that can't be encoded, a function that
    /// is not one of this executable (but of a shared library), a full queue and a closed pool make
    /// a task that has failed already. To have the arguments back there is
    /// [`try_run_in_process`](ProcessPool::try_run_in_process), to wait for room
    /// [`reserve`](ProcessPool::reserve).
    ///
    /// # Panics
    /// Never. A panic of `function`, or of a `Serialize` or `Deserialize` on the way, is an error of
    /// this task.
    pub fn run_in_process<A, R>(&self, function: fn(A) -> R, args: A) -> Task<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        self.call::<fn(A) -> R, PlainCall, A, R>(function, args)
    }

    /// Runs `function(&mut state, args)` in a worker process, with the state that the pool's
    /// [`initializer`](crate::Builder::initializer) made in that worker. All else is as with
    /// [`run_in_process`](ProcessPool::run_in_process).
    ///
    /// Each worker has a state of its own, and a replacement makes a new one. A function that panics
    /// leaves the state as it was at that moment.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::collections::HashMap;
    ///
    /// fn load(words: Vec<String>) -> HashMap<String, usize> {
    ///     words.into_iter().enumerate().map(|(number, word)| (word, number)).collect()
    /// }
    /// fn find(index: &mut HashMap<String, usize>, word: String) -> Option<usize> {
    ///     index.get(&word).copied()
    /// }
    ///
    /// let words = vec!["to".to_owned(), "be".to_owned()];
    /// let pool = procpool::ProcessPool::builder().workers(1).initializer(load, words).build()?;
    /// assert_eq!(pool.run_with_state(find, "be".to_owned()).await?, Some(1));
    /// # Ok(()) }
    /// ```
    pub fn run_with_state<A, R>(&self, function: fn(&mut S, A) -> R, args: A) -> Task<R>
    where
        S: 'static,
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        self.call::<fn(&mut S, A) -> R, StatefulCall, A, R>(function, args)
    }

    /// The same pool, with other options for the tasks of the new handle.
    ///
    /// ```
    /// # use procpool::{ProcessPool, TaskOptions};
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = ProcessPool::builder().workers(1).build()?;
    /// let retrying = pool.with(TaskOptions::new().retries(2));
    /// assert_eq!(retrying.run_in_process(|x: i32| x + 1, 1).await?, 2);
    /// # Ok(()) }
    /// ```
    #[must_use = "the pool itself keeps its options: use the handle that this returns"]
    pub fn with(&self, options: TaskOptions) -> Self {
        ProcessPool {
            open: Arc::clone(&self.open),
            options: options.into(),
            state: PhantomData,
        }
    }

    /// The same pool with [`TaskOptions::timeout`] set to `limit` for the tasks of the new handle,
    /// and the other options as they are on this one.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn hang(_: ()) {
    ///     loop { std::hint::spin_loop() }
    /// }
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let hasty = pool.with_timeout(Duration::from_millis(20));
    /// assert!(hasty.run_in_process(hang, ()).await.unwrap_err().is_timed_out());
    /// # Ok(()) }
    /// ```
    #[must_use = "the pool itself keeps its options: use the handle that this returns"]
    pub fn with_timeout(&self, limit: Duration) -> Self {
        self.with(TaskOptions::clone(&self.options).timeout(limit))
    }

    /// Accepts nothing more, through any handle. Accepted tasks finish; then the workers stop.
    /// Doing it again changes nothing.
    pub fn close(&self) {
        self.open.core().close();
    }

    /// Whether the pool accepts nothing more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.open.core().is_closed()
    }

    /// Cancels every task that has not begun, of all handles, and tells how many: they never run, and
    /// give [`TaskError::Cancelled`]. Those that run go on, and so does the pool.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let tasks: Vec<_> = (0..100_u64).map(|x| pool.run_in_process(|x| x * x, x)).collect();
    /// let cancelled = pool.cancel_queued();
    /// pool.shutdown().await; // waits for what had begun
    /// let results = futures::future::join_all(tasks).await;
    /// assert_eq!(results.iter().filter(|result| result.is_err()).count(), cancelled);
    /// # Ok(()) }
    /// ```
    #[allow(
        clippy::must_use_candidate,
        reason = "who only wants them gone needs no count"
    )]
    pub fn cancel_queued(&self) -> usize {
        self.open.core().cancel_queued()
    }

    /// [Closes](ProcessPool::close) the pool, and waits until all accepted tasks have finished and
    /// all workers have exited and are reaped.
    ///
    /// # Cancel safety
    /// The pool is closed by the first poll, and stops whether or not this is polled on.
    pub async fn shutdown(&self) {
        self.close();
        self.open.core().stopped().await;
    }

    /// As [`shutdown`](ProcessPool::shutdown), but after `grace`, in real time, what is left is
    /// [terminated](ProcessPool::terminate).
    ///
    /// # Cancel safety
    /// As of [`shutdown`](ProcessPool::shutdown); if it is dropped before the grace has passed, the
    /// accepted tasks have all the time they need.
    pub async fn shutdown_timeout(&self, grace: Duration) -> ShutdownReport {
        let core = self.open.core();
        let (began, before) = (Instant::now(), core.tally());
        core.close();
        core.stopped_within(grace).await;
        core.terminate();
        core.stopped().await;
        ShutdownReport::new(core.tally() - before, began.elapsed())
    }

    /// Kills all workers now, and waits until they are reaped. Unfinished tasks get
    /// [`TaskError::PoolClosed`].
    ///
    /// # Cancel safety
    /// The kill is done by the first poll.
    pub async fn terminate(&self) -> ShutdownReport {
        let core = self.open.core();
        let (began, before) = (Instant::now(), core.tally());
        core.terminate();
        core.stopped().await;
        ShutdownReport::new(core.tally() - before, began.elapsed())
    }

    pub(crate) fn open(&self) -> &Arc<OpenPool> {
        &self.open
    }

    /// The same handle, for calls whose function needs no `S`, or is known to be given one.
    pub(crate) fn without_state(&self) -> ProcessPool {
        ProcessPool {
            open: Arc::clone(&self.open),
            options: Arc::clone(&self.options),
            state: PhantomData,
        }
    }

    /// Submits a call of `function` through the trampoline `T`.
    fn call<F, T, A, R>(&self, function: F, args: A) -> Task<R>
    where
        F: FunctionPointer,
        T: Trampoline<F>,
        A: Serialize + 'static,
        R: DeserializeOwned + 'static,
    {
        match EncodedCall::new::<F, T, A>(function, args, Run::MAX_ARGS_LEN) {
            Ok(call) => self.submit_call(call),
            Err(error) => Task::failed(TaskError::Encode(error)),
        }
    }

    fn submit_call<R>(&self, call: EncodedCall) -> Task<R>
    where
        R: DeserializeOwned + 'static,
    {
        let cell = Arc::new(TaskCell::pending());
        let (spec, job) = self.task(call, &cell);
        self.open.core().submit_call(spec, job, &cell);
        Task::new(cell, Accepted::new(Arc::clone(&self.open)))
    }

    /// Submits a call that was to be encoded, in the room that was reserved for it if there is one.
    pub(crate) fn run<R>(
        &self,
        call: Result<EncodedCall, EncodeError>,
        room: Option<Reservation>,
    ) -> Task<R>
    where
        R: DeserializeOwned + 'static,
    {
        let submitted = call.map(|call| self.submit(call, room.and_then(Reservation::take)));
        match submitted {
            Ok(Ok(task)) => task,
            Ok(Err(why)) => Task::failed(TaskError::refused(why)),
            Err(error) => Task::failed(TaskError::Encode(error)),
        }
    }

    /// Submits a call, in the room that was reserved for it if there is one, or else tells why it is refused.
    pub(crate) fn submit<R>(
        &self,
        call: EncodedCall,
        room: Option<ReservationId>,
    ) -> Result<Task<R>, RefusedReason>
    where
        R: DeserializeOwned + 'static,
    {
        let cell = Arc::new(TaskCell::pending());
        let (spec, job) = self.task(call, &cell);
        cell.accept(self.open.core().submit(spec, job, room)?);
        Ok(Task::new(cell, Accepted::new(Arc::clone(&self.open))))
    }

    fn task(&self, call: EncodedCall, cell: &Arc<TaskCell>) -> (TaskSpec, Job) {
        let spec = self.spec(call.offsets);
        let limits = self.open.core().limits().of_task(&self.options);
        (spec, Job::new(call, limits, Sink::Cell(Arc::clone(cell))))
    }

    /// What is called for each item of a map.
    pub(crate) fn chunk_call(&self, offsets: CallOffsets) -> ChunkCall {
        ChunkCall {
            column: None,
            offsets,
            limits: self.open.core().limits().of_task(&self.options),
            clocked: self.options.timeout.is_some(),
            is_stream: false,
        }
    }

    /// Submits a chunk of so many items.
    pub(crate) fn submit_chunk(
        &self,
        chunk: &Arc<Chunk>,
        items: u32,
        room: Option<ReservationId>,
    ) -> Result<procpool_scheduler::TaskId, RefusedReason> {
        let job = Job::of_chunk(chunk);
        let spec = TaskSpec {
            items,
            ..self.spec(job.call.offsets)
        };
        self.open.core().submit(spec, job, room)
    }

    pub(crate) fn spec(&self, call: CallOffsets) -> TaskSpec {
        let TaskOptions {
            timeout,
            queue_timeout,
            retries,
            grace,
            priority,
            share,
            affinity,
            ..
        } = *self.options;
        // One generic function has many entries, and one entry many functions.
        let function = FunctionKey(call.entry.rotate_left(32) ^ call.function);
        TaskSpec {
            function,
            timeout,
            items: 1,
            queue_timeout,
            retries,
            grace,
            level: priority.into(),
            share,
            affinity,
            in_parts: false,
        }
    }
}

impl<S> Clone for ProcessPool<S> {
    fn clone(&self) -> Self {
        ProcessPool {
            open: Arc::clone(&self.open),
            options: Arc::clone(&self.options),
            state: PhantomData,
        }
    }
}

impl<S> fmt::Debug for ProcessPool<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessPool")
            .field("name", &self.open.core().name())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
