//! The options of the tasks of a handle.

use std::hash::Hash;
use std::time::Duration;

use procpool_scheduler::{AffinityKey, ShareKey};

use crate::options::key_hash::key_hash;
use crate::options::priority::Priority;

/// The options of the tasks that are submitted through one handle; see
/// [`ProcessPool::with`](crate::ProcessPool::with).
///
/// The default has no limits, no retries, no grace, the normal priority, no share key and no
/// affinity.
///
/// ```
/// use std::time::Duration;
/// let options = procpool::TaskOptions::new().timeout(Duration::from_secs(60)).retries(1);
/// assert_eq!(options, options.clone());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) queue_timeout: Option<Duration>,
    pub(crate) retries: u32,
    pub(crate) grace: Option<Duration>,
    pub(crate) cpu_time_limit: Option<Duration>,
    pub(crate) memory_limit: Option<u64>,
    pub(crate) priority: Priority,
    pub(crate) share: Option<ShareKey>,
    pub(crate) affinity: Option<AffinityKey>,
}

impl TaskOptions {
    /// Returns the default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the time that a task may run, counted from its start in a worker. By default there is
    /// no limit.
    ///
    /// After this time the task gives [`TaskError::TimedOut`](crate::TaskError::TimedOut), and its
    /// worker is killed. The time in the queue and the start of a worker do not count.
    ///
    /// The worker itself records the start, so a blocked runtime in this process is not counted as
    /// running time. A task that has finished before the pool checks its limit gives its result,
    /// however late the check is.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Limits the time that a task may wait for a worker, counted from the call. By default there is
    /// no limit.
    ///
    /// After this time the task gives [`TaskError::TimedOut`](crate::TaskError::TimedOut) and never
    /// runs.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use procpool::{ProcessPool, TaskOptions};
    ///
    /// fn hang(_: ()) {
    ///     loop { std::hint::spin_loop() }
    /// }
    /// let pool = ProcessPool::builder().workers(1).build()?;
    /// let running = pool.run_in_process(hang, ());
    /// let impatient = pool.with(TaskOptions::new().queue_timeout(Duration::from_millis(20)));
    /// let error = impatient.run_in_process(|x: u32| x + 1, 1).await.unwrap_err();
    /// assert!(error.is_timed_out());
    /// drop(running);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn queue_timeout(mut self, limit: Duration) -> Self {
        self.queue_timeout = Some(limit);
        self
    }

    /// Sets how many times a task is run again after its worker died while running it. The default is
    /// 0, since the function may have done half of its work.
    ///
    /// A task is not retried after a panic, an `Err`, a limit or a cancellation. The pause before the
    /// first retry is 20 ms; it doubles with each retry, up to 2 s.
    #[must_use]
    pub fn retries(mut self, count: u32) -> Self {
        self.retries = count;
        self
    }

    /// Limits the CPU time that a task may use, summed over all threads of its worker, to within some
    /// milliseconds. It replaces [`Builder::cpu_time_limit`](crate::Builder::cpu_time_limit).
    ///
    /// A task that uses more gives [`TaskError::LimitExceeded`](crate::TaskError::LimitExceeded), and
    /// its worker is replaced. Processes that the task starts do not count.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use procpool::{ProcessPool, TaskOptions};
    ///
    /// fn hang(_: ()) {
    ///     loop { std::hint::spin_loop() }
    /// }
    /// let pool = ProcessPool::builder().workers(1).build()?;
    /// let limited = pool.with(TaskOptions::new().cpu_time_limit(Duration::from_millis(50)));
    /// assert!(limited.run_in_process(hang, ()).await.unwrap_err().is_limit_exceeded());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn cpu_time_limit(mut self, limit: Duration) -> Self {
        self.cpu_time_limit = Some(limit);
        self
    }

    /// Limits the memory of the task's worker while the task runs, in bytes; see
    /// [`Builder::memory_limit`](crate::Builder::memory_limit). The smaller of the two limits applies.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Sets how long a running task may go on after it was cancelled or timed out, before its worker
    /// is killed. By default the worker is killed at once.
    ///
    /// The function notices the cancellation by
    /// [`worker::is_cancelled()`](crate::worker::is_cancelled). The caller gets the task's error at
    /// once in any case; the worker takes no other task meanwhile.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use procpool::{ProcessPool, TaskOptions};
    ///
    /// fn count_until_cancelled(_: ()) -> u64 {
    ///     let mut count = 0;
    ///     while !procpool::worker::is_cancelled() {
    ///         count += 1;
    ///     }
    ///     count // the caller does not get it, but the worker survives
    /// }
    /// let pool = ProcessPool::builder().workers(1).build()?;
    /// let options = TaskOptions::new().timeout(Duration::from_millis(20)).grace(Duration::from_secs(5));
    /// let error = pool.with(options).run_in_process(count_until_cancelled, ()).await.unwrap_err();
    /// assert!(error.is_timed_out());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// Sets the urgency of a task. The default is [`Priority::Normal`].
    ///
    /// Of the queued tasks, the one with the highest priority starts first; tasks of the same priority
    /// start in the order of the calls.
    ///
    /// No priority starves. While tasks of higher priorities wait, each lower priority still gets a
    /// sixteenth of the worker time that the priorities above it get. So a task that takes one second
    /// starts at the latest when higher priorities have used 16 seconds since it became the first of
    /// its priority. The duration of a task is estimated from earlier runs of its function. Without
    /// earlier runs, it starts after 16 tasks of higher priorities.
    ///
    /// A running task is never interrupted. A worker that has nearly finished may already have been
    /// sent a few short tasks, which are not overtaken either. Room in a queue with a
    /// [capacity](crate::Builder::queue_capacity) does not depend on priorities.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use procpool::{Priority, ProcessPool, TaskOptions};
    ///
    /// let pool = ProcessPool::builder().workers(1).build()?;
    /// let interactive = pool.with(TaskOptions::new().priority(Priority::High));
    /// let report = pool.run_in_process(|n: u64| (1..=n).sum::<u64>(), 1_000_000);
    /// // If many reports were queued, this task would start before them.
    /// assert_eq!(interactive.run_in_process(|x: u64| x + 1, 1).await?, 2);
    /// # assert_eq!(report.await?, 500_000_500_000);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Assigns a task to the share named by `key`, so that one customer's tasks don't delay those of
    /// another.
    ///
    /// Shares with queued tasks of the same priority get the same worker time, however many tasks each
    /// has and however long they take. Within a share, tasks start in the order of the calls. All tasks
    /// without a key form one share.
    ///
    /// Only measured running time counts, and only while other shares have queued tasks. Using an idle
    /// pool is not held against a share later, and idling earns it no credit. If the tasks of one share
    /// take a thousand times as long as those of another, it gets a worker for one task where the other
    /// gets a worker for a thousand. A running task is never interrupted: if all workers are busy with long
    /// tasks, a new share waits for the first of them to finish.
    ///
    /// The key may be a number, a string, a tuple or anything else that is `Hash`. The pool keeps a 64-bit
    /// hash of it; two keys with the same hash form one share. With a million keys, the chance of any
    /// such pair is about 1 in 30 million. There may be any number of keys: the pool keeps no memory of keys
    /// that are not in use. Room in a queue with a [capacity](crate::Builder::queue_capacity) does
    /// not depend on shares.
    ///
    /// The method is start-time fair queueing (Goyal, Vin and Cheng, 1996).
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use procpool::{ProcessPool, TaskOptions};
    ///
    /// let pool = ProcessPool::builder().workers(1).build()?;
    /// let of = |customer: &str| pool.with(TaskOptions::new().share(customer));
    /// let (anna, ben) = (of("anna"), of("ben"));
    /// let many: Vec<_> = (0..50).map(|x: u64| anna.run_in_process(|x| x * x, x)).collect();
    /// // Ben's task does not wait for all of Anna's.
    /// assert_eq!(ben.run_in_process(|x: u64| x * x, 12).await?, 144);
    /// # drop(many);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn share(mut self, key: impl Hash) -> Self {
        self.share = Some(ShareKey::from_hash(key_hash(key)));
        self
    }

    /// Lets a task prefer the worker that last got a task with the same key, because its caches are
    /// warm: a mapped file, a loaded model, an open connection.
    ///
    /// This is a preference; the function must work in any worker, and no worker stays idle for it.
    /// The task goes to the preferred worker if that is idle, or if both the task and the worker's
    /// remaining work are estimated at some hundred microseconds at most. If that estimate proves
    /// wrong while another worker is idle, the other worker gets the task. Otherwise the task goes to
    /// any free worker, which is the preferred one from then on.
    ///
    /// The pool keeps a hash of the key, as for a [share](TaskOptions::share), and remembers at least the
    /// 4096 keys used last.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use procpool::{ProcessPool, TaskOptions};
    ///
    /// let pool = ProcessPool::builder().workers(4).build()?;
    /// let french = pool.with(TaskOptions::new().affinity("french"));
    /// let worker = |_: ()| procpool::worker::id();
    /// let first = french.run_in_process(worker, ()).await?;
    /// assert_eq!(french.run_in_process(worker, ()).await?, first);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn affinity(mut self, key: impl Hash) -> Self {
        self.affinity = Some(AffinityKey::from_hash(key_hash(key)));
        self
    }
}
