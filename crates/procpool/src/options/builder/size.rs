//! How many workers there are, and how many tasks may wait for them.

use std::time::Duration;

use super::Builder;

impl<S> Builder<S> {
    /// Exactly this many workers, started at once. The default is
    /// [`available_parallelism`](std::thread::available_parallelism), which honours cgroups and affinity.
    pub fn workers(self, count: usize) -> Self {
        self.min_workers(count).max_workers(count)
    }

    /// At least this many workers, started at once. The default is `max_workers`.
    pub fn min_workers(mut self, count: usize) -> Self {
        self.options.min_workers = Some(count);
        self
    }

    /// At most this many workers; those beyond `min_workers` are started when tasks wait, and stop
    /// after [`idle_timeout`](Builder::idle_timeout). The default is `available_parallelism`, or
    /// `min_workers` if that is more.
    pub fn max_workers(mut self, count: usize) -> Self {
        self.options.max_workers = Some(count);
        self
    }

    /// So many workers stand by: started, idle, and beyond those that are needed. The default is 0.
    ///
    /// When a worker dies or is killed, the next task waits for no start: it goes at once to one that
    /// stood by, and another is started behind that. It is for workers that are slow to start, for the
    /// [initializer](Builder::initializer) above all, and for growth without waiting where
    /// `min_workers` is less than `max_workers`.
    ///
    /// They are processes in addition to the number of the pool, with all that an initializer loads. While
    /// `max_workers` run tasks the others don't. `idle_timeout` doesn't stop them; what replaces
    /// workers, as [`max_worker_age`](Builder::max_worker_age), replaces them too.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn crash(_: ()) {
    ///     std::process::abort()
    /// }
    ///
    /// let pool = procpool::ProcessPool::builder().workers(1).standby_workers(1).build()?;
    /// pool.warm_up().await?;
    /// assert!(pool.run_in_process(crash, ()).await.is_err());
    /// // This one starts without delay.
    /// assert_eq!(pool.run_in_process(|x: u32| x + 1, 1).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn standby_workers(mut self, count: usize) -> Self {
        self.options.standby_workers = count;
        self
    }

    /// How long a worker beyond `min_workers` may have nothing to do before it stops. The default is
    /// 60 seconds.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.options.idle_timeout = limit;
        self
    }

    /// How many tasks may wait for a worker; one more gives
    /// [`TaskError::QueueFull`](crate::TaskError::QueueFull), or comes back from
    /// [`try_run_in_process`](crate::ProcessPool::try_run_in_process), or waits in
    /// [`reserve`](crate::ProcessPool::reserve). With 0, only what a free worker can
    /// take at once is accepted. By default there is no limit.
    pub fn queue_capacity(mut self, tasks: usize) -> Self {
        self.options.queue_capacity = tasks;
        self
    }
}
