//! The number of workers and the length of the queue.

use std::time::Duration;

use super::Builder;

impl<S> Builder<S> {
    /// Sets the number of workers, all of which start at once. The default is
    /// [`available_parallelism`](std::thread::available_parallelism), which honours cgroups and CPU affinity.
    ///
    /// It sets both [`min_workers`](Builder::min_workers) and [`max_workers`](Builder::max_workers).
    pub fn workers(self, count: usize) -> Self {
        self.min_workers(count).max_workers(count)
    }

    /// Sets the least number of workers, which start at once. The default is `max_workers`.
    pub fn min_workers(mut self, count: usize) -> Self {
        self.options.min_workers = Some(count);
        self
    }

    /// Sets the greatest number of workers. The default is `available_parallelism`, or `min_workers` if
    /// that is more.
    ///
    /// Workers beyond `min_workers` start when tasks wait, and stop after
    /// [`idle_timeout`](Builder::idle_timeout).
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let elastic = procpool::ProcessPool::builder().min_workers(0).max_workers(2).build()?;
    /// assert_eq!(elastic.run_in_process(|x: u32| x + 1, 1).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn max_workers(mut self, count: usize) -> Self {
        self.options.max_workers = Some(count);
        self
    }

    /// Keeps this many extra workers started and idle. The default is 0.
    ///
    /// If a worker dies or is killed, the next task goes to a standby worker at once, and another
    /// standby worker starts in the background. Use it if workers are slow to start, for example because of an
    /// [initializer](Builder::initializer), and to let a pool grow from `min_workers` without a delay.
    ///
    /// Standby workers are processes beyond `max_workers`, with all that an initializer loads. They
    /// don't run tasks while `max_workers` others do. They don't stop after `idle_timeout`. Options that
    /// replace workers, as [`max_worker_age`](Builder::max_worker_age), replace them too.
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
    /// // This task does not wait for a worker to start.
    /// assert_eq!(pool.run_in_process(|x: u32| x + 1, 1).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn standby_workers(mut self, count: usize) -> Self {
        self.options.standby_workers = count;
        self
    }

    /// Sets how long a worker beyond `min_workers` may be idle before it stops. The default is 60
    /// seconds.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.options.idle_timeout = limit;
        self
    }

    /// Limits how many tasks may wait for a worker. By default there is no limit.
    ///
    /// If the queue is full,
    /// - [`run_in_process`](crate::ProcessPool::run_in_process) gives
    ///   [`TaskError::QueueFull`](crate::TaskError::QueueFull),
    /// - [`try_run_in_process`](crate::ProcessPool::try_run_in_process) returns the arguments,
    /// - [`reserve`](crate::ProcessPool::reserve) waits.
    ///
    /// With 0, a task is accepted only if a free worker can take it at once.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn hang(_: ()) {
    ///     loop { std::hint::spin_loop() }
    /// }
    /// let pool = procpool::ProcessPool::builder().workers(1).queue_capacity(0).build()?;
    /// pool.warm_up().await?;
    /// let running = pool.run_in_process(hang, ());
    /// assert!(pool.run_in_process(hang, ()).await.unwrap_err().is_queue_full());
    /// drop(running);
    /// # Ok(()) }
    /// ```
    pub fn queue_capacity(mut self, tasks: usize) -> Self {
        self.options.queue_capacity = tasks;
        self
    }
}
