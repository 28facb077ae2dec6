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
/// It works as [`procpool::ProcessPool`](crate::ProcessPool) does, but has a thread of its own instead
/// of the program's runtime. This is a handle: cloning it is cheap, and it is `Send` and `Sync`.
///
/// After the last handle and the last [`Task`] are dropped, the workers stop, and the thread ends with
/// the last of them. Dropping does not wait for that; [`shutdown`](ProcessPool::shutdown) does. When
/// `main` returns, the remaining workers are killed.
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
    /// Builds the pool as [`build`](Builder::build) does, with a thread of its own, for programs without
    /// tokio; see [`procpool::blocking`](crate::blocking). A current runtime is not used.
    ///
    /// # Errors
    /// As [`build`](Builder::build), except [`BuildError::Runtime`], and also
    /// [`BuildError::System`] if the thread can't be started.
    pub fn build_blocking(self) -> Result<ProcessPool<S>, BuildError> {
        let (pool, thread) = RuntimeThread::start(|| self.build())?;
        Ok(ProcessPool {
            pool,
            thread: Arc::new(thread),
        })
    }
}

impl ProcessPool {
    /// Builds a pool with the default options, as [`procpool::ProcessPool::new`](crate::ProcessPool::new)
    /// does.
    ///
    /// # Errors
    /// As [`Builder::build_blocking`].
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build_blocking()
    }

    /// Returns a builder with the default options. Finish it with
    /// [`build_blocking`](Builder::build_blocking).
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl<S> ProcessPool<S> {
    /// Runs `function(args)` in a worker process, as
    /// [`procpool::ProcessPool::run_in_process`](crate::ProcessPool::run_in_process) does.
    ///
    /// It does not block: the pool accepts the task in this call, and [`Task::wait`] gives the result.
    ///
    /// # Errors
    /// This call returns no error; the `Task` gives a [`TaskError`].
    pub fn run_in_process<A, R>(&self, function: fn(A) -> R, args: A) -> Task<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        Task::new(self.pool.run_in_process(function, args))
    }

    /// Runs `function(args)` as [`run_in_process`](ProcessPool::run_in_process) does, or returns the
    /// arguments if the pool does not accept the task. It does not block.
    ///
    /// # Errors
    /// As [`procpool::ProcessPool::try_run_in_process`](crate::ProcessPool::try_run_in_process).
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

    /// Runs `function(&mut state, args)` in a worker process, where `state` is what the pool's
    /// [`initializer`](Builder::initializer) returned in that worker.
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
        self.pool.try_run_with_state(function, args).map(Task::new)
    }

    /// Blocks the thread until there is room for a task, and reserves it. Threads and callers of
    /// [`procpool::ProcessPool::reserve`](crate::ProcessPool::reserve) wait in one line.
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

    /// Reserves room as [`reserve`](ProcessPool::reserve) does, but waits for at most `limit`. After
    /// that it leaves the line and returns `None`.
    ///
    /// # Errors
    /// As [`reserve`](ProcessPool::reserve).
    pub fn reserve_timeout(&self, limit: Duration) -> Result<Option<Permit<S>>, PoolClosed> {
        let reserved = wait_timeout(pin!(self.pool.reserve()), limit).transpose()?;
        Ok(reserved.map(Permit::new))
    }

    /// Returns a handle of the same pool whose tasks have these options.
    #[must_use = "the pool itself keeps its options: use the handle that this returns"]
    pub fn with(&self, options: TaskOptions) -> Self {
        self.on_same_thread(self.pool.with(options))
    }

    /// Returns a handle of the same pool whose tasks have this [`TaskOptions::timeout`], and
    /// otherwise the options of this handle.
    #[must_use = "the pool itself keeps its options: use the handle that this returns"]
    pub fn with_timeout(&self, limit: Duration) -> Self {
        self.on_same_thread(self.pool.with_timeout(limit))
    }

    /// Changes the number of workers; see
    /// [`procpool::ProcessPool::resize`](crate::ProcessPool::resize).
    ///
    /// # Errors
    /// [`ResizeError`] if there would be no worker at all or `min > max`, and after
    /// [`close`](ProcessPool::close).
    pub fn resize(&self, size: impl Into<PoolSize>) -> Result<(), ResizeError> {
        self.pool.resize(size)
    }

    /// Returns the least and the greatest number of workers.
    #[must_use]
    pub fn size(&self) -> PoolSize {
        self.pool.size()
    }

    /// Starts all workers that the pool may have, and blocks the thread until they are ready; see
    /// [`procpool::ProcessPool::warm_up`](crate::ProcessPool::warm_up).
    ///
    /// # Errors
    /// [`TaskError::WorkerStart`] as soon as one worker fails to start; [`TaskError::PoolClosed`] if
    /// the pool is closed first.
    pub fn warm_up(&self) -> Result<(), TaskError> {
        wait(self.pool.warm_up())
    }

    /// Runs `function(args)` once in every worker, present and future, and blocks the thread until all
    /// present workers have run it; see
    /// [`procpool::ProcessPool::broadcast`](crate::ProcessPool::broadcast).
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

    /// Broadcasts a function that may fail; all else is as with
    /// [`broadcast`](ProcessPool::broadcast).
    ///
    /// # Errors
    /// As [`broadcast`](ProcessPool::broadcast). If the function returns `Err`, the source of the
    /// [`TaskError::WorkerStart`] has its text.
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

    /// Cancels every task, of any handle, that has not started, and returns their number; see
    /// [`ProcessPool::cancel_queued`](crate::ProcessPool::cancel_queued). It does not block.
    #[allow(
        clippy::must_use_candidate,
        reason = "a caller may cancel them without needing their number"
    )]
    pub fn cancel_queued(&self) -> usize {
        self.pool.cancel_queued()
    }

    /// Closes the pool: from now on, every handle refuses new tasks. Accepted tasks finish; then the
    /// workers stop, and the pool's thread ends.
    ///
    /// It does not block. Closing a closed pool changes nothing.
    pub fn close(&self) {
        self.pool.close();
    }

    /// Returns whether the pool is closed and accepts no new tasks.
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

    /// Shuts the pool down as [`shutdown`](ProcessPool::shutdown) does, and
    /// [terminates](ProcessPool::terminate) what is left after `grace`, in real time.
    #[allow(
        clippy::must_use_candidate,
        reason = "a caller may end the pool without needing a report"
    )]
    pub fn shutdown_timeout(&self, grace: Duration) -> ShutdownReport {
        self.stop(|| {
            self.close();
            self.thread.wait_timeout(grace);
            self.pool.open().core().terminate();
        })
    }

    /// Kills all workers at once, and blocks the thread until they are reaped and the pool's thread has
    /// ended. Unfinished tasks give [`TaskError::PoolClosed`].
    #[allow(
        clippy::must_use_candidate,
        reason = "a caller may end the pool without needing a report"
    )]
    pub fn terminate(&self) -> ShutdownReport {
        self.stop(|| self.pool.open().core().terminate())
    }

    /// Returns a handle of the same pool for async code: for a [`TaskSet`](crate::TaskSet), the
    /// [`recipes`](crate::recipes) or an [`Executor`](crate::Executor). It keeps the pool open.
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

    /// Waits for the thread and not for the async shutdown: if the caller runs in a tokio runtime, the
    /// latter stops making progress once the caller's task has spent its cooperative budget.
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
