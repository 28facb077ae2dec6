//! Changing the number of workers, and waiting until all of them have started.

use crate::driver::WarmUp;
use crate::error::{ResizeError, TaskError};
use crate::pool::pool_size::PoolSize;
use crate::pool::process_pool::ProcessPool;

impl<S> ProcessPool<S> {
    /// Changes the number of workers: `4` for exactly 4, `2..=8` for at least 2 and at most 8, `..=8`
    /// for as many as there is work for, at most 8.
    ///
    /// Afterwards the pool behaves as if it had been built with these
    /// [`min_workers`](crate::Builder::min_workers) and
    /// [`max_workers`](crate::Builder::max_workers). This call does not wait for the change; after
    /// several calls, the last size counts.
    ///
    /// If the pool grows, new workers start at once: the new minimum, or more if there is work for
    /// them.
    ///
    /// If the pool shrinks, **no task is lost or interrupted**. Surplus workers stop in this order:
    /// those that are starting, those that are idle, then those that run tasks, each when its tasks
    /// have finished. No task starts until the pool has its new size. Workers beyond the minimum
    /// still stop after [`idle_timeout`](crate::Builder::idle_timeout).
    ///
    /// # Errors
    /// - [`ResizeError::Workers`] if there would be no worker at all, or `min > max`.
    /// - [`ResizeError::PoolClosed`] after [`close`](ProcessPool::close).
    ///
    /// The pool is unchanged after an error.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// pool.resize(2)?;
    /// pool.resize(1..=4)?;
    /// assert_eq!(pool.size(), (1..=4).into());
    /// assert!(pool.resize(0).is_err());
    /// # Ok(()) }
    /// ```
    pub fn resize(&self, size: impl Into<PoolSize>) -> Result<(), ResizeError> {
        let size = size.into();
        if !size.is_possible() {
            let (min, max) = (size.min(), size.max());
            return Err(ResizeError::Workers { min, max });
        }
        match self.open().core().resize(size) {
            true => Ok(()),
            false => Err(ResizeError::PoolClosed),
        }
    }

    /// Returns the least and the greatest number of workers, as given to the builder or to the last
    /// [`resize`](ProcessPool::resize).
    #[must_use]
    pub fn size(&self) -> PoolSize {
        self.open().core().size()
    }

    /// Starts all workers that the pool may have and waits until they are ready, so that the first
    /// tasks do not wait for a worker to start. A server calls this before it reports that it is healthy.
    ///
    /// These are [`max_workers`](crate::Builder::max_workers), as set at this moment, and the
    /// [standby workers](crate::Builder::standby_workers). A worker that runs a task counts as ready.
    /// Workers beyond `min_workers` stop again after
    /// [`idle_timeout`](crate::Builder::idle_timeout) without work.
    ///
    /// # Errors
    /// - [`TaskError::WorkerStart`], with the cause, as soon as one worker fails to start: it exits,
    ///   its initializer fails, or it takes longer than
    ///   [`startup_timeout`](crate::Builder::startup_timeout). The pool keeps trying, and this method
    ///   may be called again.
    /// - [`TaskError::PoolClosed`] if the pool is closed first.
    ///
    /// # Cancel safety
    /// The future may be dropped, and the method called again, at any moment. Workers that are
    /// already starting finish their start.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().min_workers(0).max_workers(2).build()?;
    /// pool.warm_up().await?;
    /// # Ok(()) }
    /// ```
    pub async fn warm_up(&self) -> Result<(), TaskError> {
        WarmUp::finished(self.open().core()).await
    }
}
