//! The handle of a pool for programs without tokio.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapters::blocking::permit::Permit;
use crate::adapters::blocking::runtime_thread::RuntimeThread;
use crate::adapters::blocking::task::Task;
use crate::adapters::blocking::wait::{wait, wait_timeout};
use crate::error::{BuildError, PoolClosed, Rejected, ResizeError, TaskError};
use crate::options::builder::Builder;
use crate::options::task_options::TaskOptions;
use crate::pool::pool_size::PoolSize;
use crate::pool::shutdown_report::ShutdownReport;

/// A pool of worker processes for programs without tokio.
///
/// As [`procpool::ProcessPool`](crate::ProcessPool), with a thread of its own in place of the
/// program's runtime. A handle: cheap to clone, `Send` and `Sync`. When the last handle and the last
/// [`Task`] are gone, the workers stop, and the thread ends with the last of them: soon, but dropping
/// does not wait for it, as [`shutdown`](ProcessPool::shutdown) does. When `main` returns, what
/// is still there goes with the program.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// procpool::init(); // the first line of `main`
/// let pool = procpool::blocking::ProcessPool::builder().workers(1).build_blocking()?;
/// assert_eq!(pool.run_in_process(|text: String| text.len(), "four".to_owned()).wait()?, 4);
/// pool.shutdown();
/// # Ok(()) }
/// ```
pub struct ProcessPool<S = ()> {
    pool: crate::ProcessPool<S>,
    thread: Arc<RuntimeThread>,
}

impl<S: 'static> Builder<S> {
    /// As [`build`](Builder::build), for a program without a runtime: the pool has a thread of its
    /// own, and its calls block. See [`procpool::blocking`](crate::blocking).
    ///
    /// # Errors
    /// As [`build`](Builder::build), but that there is no [`BuildError::Runtime`]: no runtime is
    /// needed, and one that is there is not used. [`BuildError::NotInitialized`] if
    /// [`init`](crate::init) was not called in the first line of `main`; [`BuildError::System`] also
    /// if there can't be another thread.
    pub fn build_blocking(self) -> Result<ProcessPool<S>, BuildError> {
        let (pool, thread) = RuntimeThread::start(|| self.build())?;
        Ok(ProcessPool {
            pool,
            thread: Arc::new(thread),
        })
    }
}

impl ProcessPool {
    /// A pool with the defaults of [`procpool::ProcessPool::new`](crate::ProcessPool::new).
    ///
    /// # Errors
    /// As [`Builder::build_blocking`].
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build_blocking()
    }

    /// Options for a new pool, the same as for an async one. To be ended by
    /// [`build_blocking`](Builder::build_blocking).
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl<S> ProcessPool<S> {
    /// Runs `function(args)` in a worker process.
    ///
    /// It doesn't block: the task is accepted in this call, and [`Task::wait`] gives its result. All
    /// is as with [`procpool::ProcessPool::run_in_process`](crate::ProcessPool::run_in_process).
    ///
    /// # Errors
    /// None here; the `Task` gives a [`TaskError`].
    pub fn run_in_process<A, R>(&self, function: fn(A) -> R, args: A) -> Task<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        Task::new(self.pool.run_in_process(function, args))
    }

    /// As [`run_in_process`](ProcessPool::run_in_process), but a call that the pool does not accept
    /// comes back, with its arguments.
    ///
    /// # Errors
    /// As of
    /// [`procpool::ProcessPool::try_run_in_process`](crate::ProcessPool::try_run_in_process).
    pub fn try_run_in_process<A, R>(
        &self,
        function: fn(A) -> R,
        args: A,
    ) -> Result<Task<R>, Rejected<A>>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        self.pool.try_run_in_process(function, args).map(Task::new)
    }

    /// Runs `function(&mut state, args)` in a worker process, with the state that the pool's
    /// [`initializer`](Builder::initializer) made there.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # procpool::init();
    /// let builder = procpool::blocking::ProcessPool::builder().workers(1);
    /// let pool = builder.initializer(|first: u32| first, 10).build_blocking()?;
    /// let count = |state: &mut u32, step: u32| {
    ///     *state += step;
    ///     *state
    /// };
    /// assert_eq!(pool.run_with_state(count, 2).wait()?, 12);
    /// assert_eq!(pool.run_with_state(count, 2).wait()?, 14);
    /// # Ok(()) }
    /// ```
    pub fn run_with_state<A, R>(&self, function: fn(&mut S, A) -> R, args: A) -> Task<R>
    where
        S: 'static,
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        Task::new(self.pool.run_with_state(function, args))
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
        self.pool.try_run_with_state(function, args).map(Task::new)
    }

    /// Blocks the thread until there is room for a task, and holds it. Threads, and whoever awaits
    /// [`procpool::ProcessPool::reserve`](crate::ProcessPool::reserve), have it in the order in which
    /// they came.
    ///
    /// # Errors
    /// [`PoolClosed`] if the pool is closed or terminated before there is room.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # procpool::init();
    /// let builder = procpool::blocking::ProcessPool::builder().workers(1);
    /// let pool = builder.queue_capacity(2).build_blocking()?;
    /// for number in 0..10_u64 {
    ///     // Never more than three at once, however many numbers there are.
    ///     pool.reserve()?.run_in_process(|x| x * x, number).detach();
    /// }
    /// pool.shutdown();
    /// # Ok(()) }
    /// ```
    pub fn reserve(&self) -> Result<Permit<S>, PoolClosed> {
        wait(self.pool.reserve()).map(Permit::new)
    }

    /// As [`reserve`](ProcessPool::reserve), but waits for `limit` at most; then it is `None`, and the
    /// place in line is given up.
    ///
    /// # Errors
    /// As of [`reserve`](ProcessPool::reserve).
    pub fn reserve_timeout(&self, limit: Duration) -> Result<Option<Permit<S>>, PoolClosed> {
        let reserved = wait_timeout(pin!(self.pool.reserve()), limit).transpose()?;
        Ok(reserved.map(Permit::new))
    }

    /// The same pool, with other options for the tasks of the new handle.
    #[must_use = "the pool itself keeps its options: use the handle that this returns"]
    pub fn with(&self, options: TaskOptions) -> Self {
        self.on_same_thread(self.pool.with(options))
    }

    /// The same pool with [`TaskOptions::timeout`] set to `limit` for the tasks of the new handle,
    /// and the other options as they are on this one.
    #[must_use = "the pool itself keeps its options: use the handle that this returns"]
    pub fn with_timeout(&self, limit: Duration) -> Self {
        self.on_same_thread(self.pool.with_timeout(limit))
    }

    /// Makes the running pool larger or smaller; see
    /// [`procpool::ProcessPool::resize`](crate::ProcessPool::resize).
    ///
    /// # Errors
    /// [`ResizeError`] for no worker, or `min > max`, and after [`close`](ProcessPool::close).
    pub fn resize(&self, size: impl Into<PoolSize>) -> Result<(), ResizeError> {
        self.pool.resize(size)
    }

    /// How many workers the pool is to have at least and at most.
    #[must_use]
    pub fn size(&self) -> PoolSize {
        self.pool.size()
    }

    /// Starts all workers that the pool may have, and blocks the thread until they are ready; see
    /// [`procpool::ProcessPool::warm_up`](crate::ProcessPool::warm_up).
    ///
    /// # Errors
    /// [`TaskError::WorkerStart`] as soon as one worker fails to start; [`TaskError::PoolClosed`] if
    /// the pool is closed before.
    pub fn warm_up(&self) -> Result<(), TaskError> {
        wait(self.pool.warm_up())
    }

    /// Runs `function(args)` once in every worker, present and future, and blocks the thread until all
    /// present ones have; see [`procpool::ProcessPool::broadcast`](crate::ProcessPool::broadcast).
    ///
    /// # Errors
    /// The first failure: [`TaskError::WorkerStart`], [`TaskError::PoolClosed`] or
    /// [`TaskError::Encode`].
    pub fn broadcast<A>(&self, function: fn(A), args: A) -> Result<(), TaskError>
    where
        A: Serialize + DeserializeOwned + 'static,
    {
        wait(self.pool.broadcast(function, args))
    }

    /// As [`broadcast`](ProcessPool::broadcast), for a function that may fail.
    ///
    /// # Errors
    /// As there; an `Err` is in the source of [`TaskError::WorkerStart`].
    pub fn try_broadcast<A, E>(
        &self,
        function: fn(A) -> Result<(), E>,
        args: A,
    ) -> Result<(), TaskError>
    where
        A: Serialize + DeserializeOwned + 'static,
        E: fmt::Display + 'static,
    {
        wait(self.pool.try_broadcast(function, args))
    }

    /// Cancels every task that has not begun, of all handles, and tells how many; see
    /// [`ProcessPool::cancel_queued`](crate::ProcessPool::cancel_queued). It doesn't block.
    #[allow(
        clippy::must_use_candidate,
        reason = "who only wants them gone needs no count"
    )]
    pub fn cancel_queued(&self) -> usize {
        self.pool.cancel_queued()
    }

    /// Accepts nothing more, through any handle. Accepted tasks finish; then the workers stop, and
    /// the pool's thread ends. It doesn't block, and doing it again changes nothing.
    pub fn close(&self) {
        self.pool.close();
    }

    /// Whether the pool accepts nothing more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }

    /// [Closes](ProcessPool::close) the pool, and blocks the thread until all accepted tasks have
    /// finished, all workers have exited and are reaped, and the pool's thread has ended.
    pub fn shutdown(&self) {
        self.close();
        self.thread.join();
    }

    /// As [`shutdown`](ProcessPool::shutdown), but after `grace`, in real time, what is left is
    /// [terminated](ProcessPool::terminate).
    #[allow(
        clippy::must_use_candidate,
        reason = "who only wants the end needs no report"
    )]
    pub fn shutdown_timeout(&self, grace: Duration) -> ShutdownReport {
        self.stop(|| {
            self.close();
            self.thread.wait_timeout(grace);
            self.pool.open().core().terminate();
        })
    }

    /// Kills all workers now, and blocks the thread until they are reaped and the pool's thread has
    /// ended. Unfinished tasks get [`TaskError::PoolClosed`].
    #[allow(
        clippy::must_use_candidate,
        reason = "who only wants the end needs no report"
    )]
    pub fn terminate(&self) -> ShutdownReport {
        self.stop(|| self.pool.open().core().terminate())
    }

    /// The same pool as async code uses it, for what blocks nobody: a
    /// [`TaskSet`](crate::TaskSet), the [`recipes`](crate::recipes), an [`Executor`](crate::Executor).
    /// Its clones keep the pool open as handles do.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # procpool::init();
    /// let pool = procpool::blocking::ProcessPool::builder().workers(1).build_blocking()?;
    /// let calls = (0..3_u64).map(|x| pool.as_async().run_in_process(|x| x * x, x));
    /// let squares = futures::executor::block_on(futures::future::try_join_all(calls))?;
    /// assert_eq!(squares, [0, 1, 4]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn as_async(&self) -> &crate::ProcessPool<S> {
        &self.pool
    }

    /// Not by the async shutdown: that waits by tokio's means, which stand still once the runtime
    /// around the caller, if there is one, finds that its task has run for long enough.
    fn stop(&self, stop: impl FnOnce()) -> ShutdownReport {
        let core = self.pool.open().core();
        let (began, before) = (Instant::now(), core.tally());
        stop();
        self.thread.join();
        ShutdownReport::new(core.tally() - before, began.elapsed())
    }

    fn on_same_thread(&self, pool: crate::ProcessPool<S>) -> Self {
        ProcessPool {
            pool,
            thread: Arc::clone(&self.thread),
        }
    }
}

impl<S> Clone for ProcessPool<S> {
    fn clone(&self) -> Self {
        self.on_same_thread(self.pool.clone())
    }
}

impl<S> fmt::Debug for ProcessPool<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}
