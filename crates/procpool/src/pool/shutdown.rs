//! The end of a pool: closing it, shutting it down, and terminating it.

use std::time::{Duration, Instant};

use crate::pool::process_pool::ProcessPool;
use crate::pool::shutdown_report::ShutdownReport;

impl<S> ProcessPool<S> {
    /// Closes the pool: from now on, every handle refuses new tasks.
    ///
    /// Accepted tasks finish; then the workers stop. Closing a closed pool changes nothing.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let accepted = pool.run_in_process(|x: u32| x + 1, 1);
    /// pool.close();
    /// assert_eq!(accepted.await?, 2);
    /// assert!(pool.run_in_process(|x: u32| x + 1, 1).await.unwrap_err().is_pool_closed());
    /// # Ok(()) }
    /// ```
    pub fn close(&self) {
        self.open().core().close();
    }

    /// Returns whether the pool is closed and accepts no new tasks.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.open().core().is_closed()
    }

    /// Cancels every task, of any handle, that has not started, and returns their number.
    ///
    /// Those tasks never run and give [`TaskError::Cancelled`](crate::TaskError::Cancelled). Running tasks go on, and the pool
    /// still accepts new ones.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let tasks: Vec<_> = (0..100_u64).map(|x| pool.run_in_process(|x| x * x, x)).collect();
    /// let cancelled = pool.cancel_queued();
    /// pool.shutdown().await; // waits for the tasks that had started
    /// let results = futures::future::join_all(tasks).await;
    /// assert_eq!(results.iter().filter(|result| result.is_err()).count(), cancelled);
    /// # Ok(()) }
    /// ```
    #[allow(
        clippy::must_use_candidate,
        reason = "a caller may cancel them without needing their number"
    )]
    pub fn cancel_queued(&self) -> usize {
        self.open().core().cancel_queued()
    }

    /// [Closes](ProcessPool::close) the pool and waits until all accepted tasks have finished and
    /// all workers have exited and are reaped.
    ///
    /// # Cancel safety
    /// The first poll closes the pool, which then stops whether or not the future is polled again.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let task = pool.run_in_process(|x: u32| x + 1, 1);
    /// pool.shutdown().await;
    /// assert!(task.is_finished());
    /// # Ok(()) }
    /// ```
    pub async fn shutdown(&self) {
        self.close();
        self.open().core().stopped().await;
    }

    /// Shuts the pool down as [`shutdown`](ProcessPool::shutdown) does, and
    /// [terminates](ProcessPool::terminate) what is left after `grace`, in real time.
    ///
    /// # Cancel safety
    /// The first poll closes the pool. If the future is dropped before `grace` has passed, nothing is
    /// terminated: the accepted tasks have all the time they need.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn hang(_: ()) {
    ///     loop { std::hint::spin_loop() }
    /// }
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let task = pool.run_in_process(hang, ());
    /// let report = pool.shutdown_timeout(Duration::from_millis(50)).await;
    /// assert_eq!(report.abandoned_tasks(), 1);
    /// assert!(task.await.unwrap_err().is_pool_closed());
    /// # Ok(()) }
    /// ```
    pub async fn shutdown_timeout(&self, grace: Duration) -> ShutdownReport {
        let core = self.open().core();
        let (began, before) = (Instant::now(), core.tally());
        core.close();
        core.stopped_within(grace).await;
        core.terminate();
        core.stopped().await;
        ShutdownReport::new(core.tally() - before, began.elapsed())
    }

    /// Kills all workers at once and waits until they are reaped. Unfinished tasks give
    /// [`TaskError::PoolClosed`](crate::TaskError::PoolClosed).
    ///
    /// # Cancel safety
    /// The first poll kills the workers.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let report = pool.terminate().await;
    /// assert_eq!(report.abandoned_tasks(), 0);
    /// assert!(pool.is_closed());
    /// # Ok(()) }
    /// ```
    pub async fn terminate(&self) -> ShutdownReport {
        let core = self.open().core();
        let (began, before) = (Instant::now(), core.tally());
        core.terminate();
        core.stopped().await;
        ShutdownReport::new(core.tally() - before, began.elapsed())
    }
}
