//! Making a pool larger or smaller, and waiting until all of it is there.

use crate::driver::WarmUp;
use crate::error::{ResizeError, TaskError};
use crate::pool::pool_size::PoolSize;
use crate::pool::process_pool::ProcessPool;

impl<S> ProcessPool<S> {
    /// Gives the pool another number of workers: exactly `4`, from `2..=8`, or `..=8` as many as there is
    /// work for. It is as if the pool had been built with these
    /// [`min_workers`](crate::Builder::min_workers) and [`max_workers`](crate::Builder::max_workers).
    ///
    /// New workers are started at once, as many as the pool is to have at least or has work for. If there are
    /// more than the pool may have, those that are starting are given up, then those that are idle
    /// stop, and the rest stop as soon as they have finished what they have: **no task is lost or
    /// broken off**. Until so many have finished that the pool has its new size, no task begins. Workers
    /// between the least and the greatest number stop after
    /// [`idle_timeout`](crate::Builder::idle_timeout), as ever.
    ///
    /// It doesn't wait for any of this. Of several calls the last one counts.
    ///
    /// # Errors
    /// [`ResizeError::Workers`] for no worker, or `min > max`; [`ResizeError::PoolClosed`] after
    /// [`close`](ProcessPool::close). Then nothing has changed.
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

    /// How many workers the pool is to have at least and at most: what it was built with, or the last
    /// [`resize`](ProcessPool::resize) said.
    #[must_use]
    pub fn size(&self) -> PoolSize {
        self.open().core().size()
    }

    /// Starts all workers that the pool may have, and waits until they are ready, so that the first
    /// tasks wait for none of them. For the start of a server, before it says that it is healthy.
    ///
    /// These are [`max_workers`](crate::Builder::max_workers), as they are at the moment, and the
    /// [standby workers](crate::Builder::standby_workers). A worker that runs a task is ready. Those
    /// beyond `min_workers` stop again if there is nothing to do for
    /// [`idle_timeout`](crate::Builder::idle_timeout).
    ///
    /// # Errors
    /// [`TaskError::WorkerStart`], with the cause, as soon as one worker fails to start, be it that it
    /// ends, that its initializer fails, or that it takes longer than
    /// [`startup_timeout`](crate::Builder::startup_timeout); the pool goes on to try, and this may be
    /// called again. [`TaskError::PoolClosed`] if the pool is closed before.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment. The workers that have begun to start do start.
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
