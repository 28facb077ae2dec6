//! The start of workers, their spinning while idle, and their replacement.

use std::time::Duration;

use super::Builder;
use super::pool_options::LONGEST_SPIN;

impl<S> Builder<S> {
    /// Limits the time from a worker's spawn until it is ready; a slower worker is killed. The default is
    /// 30 seconds.
    ///
    /// The start of a worker never counts towards a task's [`timeout`](crate::TaskOptions::timeout).
    pub fn startup_timeout(mut self, limit: Duration) -> Self {
        self.options.startup_timeout = limit;
        self
    }

    /// Sets how long an idle worker may spin before it sleeps: 50 µs by default, 1 ms at most.
    /// [`Duration::ZERO`] makes it sleep at once.
    ///
    /// A task that arrives while its worker spins starts some 25 µs earlier on an idle machine, since
    /// no processor must wake up. A worker spins only while the busy workers and this process leave a
    /// processor free. It adapts: if tasks arrive more rarely than it would spin, or other
    /// threads need the processor, it nearly always sleeps at once. A pool without tasks uses no processor.
    ///
    /// While the worker of a [`Task`](crate::Task) spins, the first poll of that task may spin too, for
    /// up to 10 µs and 1 µs more for each 4 KiB of arguments. It does so if the function took less than
    /// 5 µs before and the arguments take at most 160 KiB.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let frugal = procpool::ProcessPool::builder().workers(1).spin(Duration::ZERO).build()?;
    /// assert_eq!(frugal.run_in_process(|x: u32| x + 1, 1).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn spin(mut self, limit: Duration) -> Self {
        self.options.spin = limit.min(LONGEST_SPIN);
        self
    }

    /// Replaces a worker after it has run this many tasks. By default there is no limit.
    ///
    /// The replacement starts first, and the workers are not all replaced at the same time.
    ///
    /// This is `max_tasks_per_child` of Python's `ProcessPoolExecutor`.
    pub fn max_tasks_per_worker(mut self, count: u64) -> Self {
        self.options.max_tasks_per_worker = Some(count);
        self
    }

    /// Replaces a worker when it is this old. The least value is 100 ms. By default there is no limit.
    ///
    /// The exact age varies a little, so that the workers are not all replaced at the same time. The
    /// replacement starts first, and no task is interrupted.
    pub fn max_worker_age(mut self, age: Duration) -> Self {
        self.options.max_age = Some(age);
        self
    }

    /// Replaces a worker when its memory has grown by more than this many bytes since it started. By
    /// default there is no limit. Use it for functions that leak memory.
    ///
    /// The memory is checked after a task. The replacement starts first, and the workers are not all
    /// replaced at the same time.
    pub fn max_worker_growth(mut self, bytes: u64) -> Self {
        self.options.limits.growth = Some(bytes);
        self
    }
}
