//! The handle of a pool, and how it submits calls.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use procpool_os::{CallOffsets, FunctionPointer, Trampoline};
use procpool_scheduler::{FunctionKey, RefusedReason, ReservationId, TaskSpec};
use procpool_wire::Run;
use procpool_worker::{PlainCall, StatefulCall};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::driver::{Accepted, Chunk, ChunkCall, Job, OpenPool, Reservation, Sink};
use crate::error::{EncodeError, TaskError};
use crate::options::task_options::TaskOptions;
use crate::task::call::EncodedCall;
use crate::task::cell::TaskCell;
use crate::task::future::Task;

/// A pool of worker processes that run plain functions.
///
/// This is a handle: cloning it is cheap, it is `Send` and `Sync`, and it works from any thread and
/// any runtime. The pool itself runs on the tokio runtime on which it was built. All workers are
/// gone soon after the last handle and the last awaited [`Task`] are dropped, or that runtime stops.
///
/// `S` is the type of the state that every worker holds (see
/// [`Builder::initializer`](crate::Builder::initializer)); it is `()` if there is none.
///
/// Named after `ProcessPoolExecutor` of Python's `concurrent.futures`.
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
    /// The workers hold an `S`; the handle holds none, so it is `Send` and `Sync` whatever `S` is.
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
    /// The pool accepts the task in this call, as `spawn_blocking` does: the task runs whether or not
    /// the returned [`Task`] is polled, and tasks start in the order of the calls. **Dropping the
    /// `Task` cancels it.**
    ///
    /// `function` is a plain function, a generic function, or a closure that captures nothing. Pass
    /// several arguments as a tuple: `|(image, width): (Vec<u8>, u32)| resize(image, width)`. If
    /// `function` returns a `Result`, that `Result` is inside the task's own: `task.await??`.
    ///
    /// The arguments are encoded in this call; the result is decoded when it is awaited. Any type
    /// that survives a `serde_json` round trip survives this one. Encoded arguments, and an encoded
    /// result, may take at most 1 GiB each.
    ///
    /// # Errors
    /// This call returns no error; the `Task` gives a [`TaskError`]. The task has already failed when
    /// it is returned if
    /// - the arguments can't be encoded, or `function` is in a shared library and not in this
    ///   executable: [`TaskError::Encode`];
    /// - the queue is full: [`TaskError::QueueFull`];
    /// - the pool is closed: [`TaskError::PoolClosed`].
    ///
    /// To get the arguments back, use [`try_run_in_process`](ProcessPool::try_run_in_process). To
    /// wait for room in the queue, use [`reserve`](ProcessPool::reserve).
    ///
    /// # Panics
    /// Never. If `function`, a `Serialize` or a `Deserialize` panics, the task gives an error.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let sum = pool.run_in_process(|numbers: Vec<u64>| numbers.iter().sum::<u64>(), vec![1, 2, 3]);
    /// assert_eq!(sum.await?, 6);
    /// # Ok(()) }
    /// ```
    pub fn run_in_process<A, R>(&self, function: fn(A) -> R, args: A) -> Task<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        self.call::<fn(A) -> R, PlainCall, A, R>(function, args)
    }

    /// Runs `function(&mut state, args)` in a worker process, where `state` is what the pool's
    /// [`initializer`](crate::Builder::initializer) returned in that worker.
    ///
    /// Each worker has its own state; a replacement worker creates a new one. If a function panics,
    /// the state stays as it was at that moment. All else is as with
    /// [`run_in_process`](ProcessPool::run_in_process), errors included.
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

    /// Returns a handle of the same pool whose tasks have these options.
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

    /// Returns a handle of the same pool whose tasks have this [`TaskOptions::timeout`], and
    /// otherwise the options of this handle.
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

    pub(crate) fn open(&self) -> &Arc<OpenPool> {
        &self.open
    }

    /// Returns the same handle for calls that need no `S`, or whose function is known to take one.
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

    /// Submits an encoded call, in its reserved room if it has one.
    ///
    /// An error of the encoding or of the pool becomes the error of the returned task.
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

    /// Submits an encoded call, in its reserved room if it has one.
    ///
    /// # Errors
    /// The reason why the pool refuses the call.
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

    /// Describes the call that is made for each item of a map.
    pub(crate) fn chunk_call(&self, offsets: CallOffsets) -> ChunkCall {
        ChunkCall {
            column: None,
            offsets,
            limits: self.open.core().limits().of_task(&self.options),
            clocked: self.options.timeout.is_some(),
            is_stream: false,
        }
    }

    /// Submits a chunk of `items` items.
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
        // Each word depends on both the entry and the function.
        let [word, _] = call.to_words();
        let function = FunctionKey(word);
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
