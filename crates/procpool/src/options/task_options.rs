//! What a pool does with the tasks of one of its handles.

use std::hash::Hash;
use std::time::Duration;

use procpool_scheduler::{AffinityKey, ShareKey};

use crate::options::key_hash::key_hash;
use crate::options::priority::Priority;

/// How the tasks of a handle are treated; see [`ProcessPool::with`](crate::ProcessPool::with).
///
/// The default sets no limit and retries nothing.
///
/// ```
/// use std::time::Duration;
/// let patient = procpool::TaskOptions::new().timeout(Duration::from_secs(60)).retries(1);
/// assert_eq!(patient, patient.clone());
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
    /// No limit, no retries, no grace, the normal priority, no share of its own, no affinity.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a task may run, from its start in a worker. Then it gives
    /// [`TaskError::TimedOut`](crate::TaskError::TimedOut) and its worker is killed. Waiting for a
    /// worker, and a worker's start-up, don't count.
    ///
    /// The worker itself notes the start, so that a program whose runtime is blocked charges that to no task; and
    /// a task that has finished by the time the program looks gives its result, however late that is.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// How long a task may wait for a worker, from the call. Then it gives
    /// [`TaskError::TimedOut`](crate::TaskError::TimedOut) and never runs.
    #[must_use]
    pub fn queue_timeout(mut self, limit: Duration) -> Self {
        self.queue_timeout = Some(limit);
        self
    }

    /// How often a task is run again after the death of the worker that ran it. Never after a panic
    /// or an `Err`, which would only come again, nor after any limit or a cancel. There is a pause
    /// before each, from 20 milliseconds, doubled each time, to 2 seconds. The default is 0 times,
    /// since the function may have done half of its work.
    #[must_use]
    pub fn retries(mut self, count: u32) -> Self {
        self.retries = count;
        self
    }

    /// How much CPU time a task may use, of all threads of its worker together, to some milliseconds.
    /// Then it gives [`TaskError::LimitExceeded`](crate::TaskError::LimitExceeded) and its worker is
    /// replaced. Processes that the task starts don't count. It goes before
    /// [`Builder::cpu_time_limit`](crate::Builder::cpu_time_limit).
    #[must_use]
    pub fn cpu_time_limit(mut self, limit: Duration) -> Self {
        self.cpu_time_limit = Some(limit);
        self
    }

    /// How many bytes of data its worker may have while a task runs; see
    /// [`Builder::memory_limit`](crate::Builder::memory_limit), whose smaller limit counts.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// How long a running task may go on after it was cancelled or timed out, before its worker is
    /// killed. It sees it by `worker::is_cancelled()`. Its error comes at once in any case; the
    /// worker takes nothing else meanwhile.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// How urgent a task is. Of the tasks that wait for a worker, the one with the highest priority is
    /// next, and of those with the same priority the one that was called first. The default is
    /// [`Priority::Normal`].
    ///
    /// No priority starves: while tasks of higher priorities wait, each lower priority that has some
    /// gets a sixteenth of the worker time that those above it get. So a task that takes a second
    /// begins, once it is the first of its priority, when higher ones have had 16 seconds since, or
    /// sooner. What a task takes is guessed from earlier runs of its function; if there are none, it
    /// begins when 16 higher ones have.
    ///
    /// No running task is interrupted, and a worker that is about to be done may hold a few short tasks
    /// that nobody overtakes. Room in a queue with a
    /// [capacity](crate::Builder::queue_capacity) is given without regard to priorities.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use procpool::{Priority, ProcessPool, TaskOptions};
    ///
    /// let pool = ProcessPool::builder().workers(1).build()?;
    /// let interactive = pool.with(TaskOptions::new().priority(Priority::High));
    /// let report = pool.run_in_process(|n: u64| (1..=n).sum::<u64>(), 1_000_000);
    /// // Were there many reports, it would not wait for them.
    /// assert_eq!(interactive.run_in_process(|x: u64| x + 1, 1).await?, 2);
    /// # assert_eq!(report.await?, 500_000_500_000);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Whose a task is. The shares whose tasks wait with the same priority get equal times of the
    /// workers, however many tasks each has and however long they take; the tasks of one share are
    /// served in the order of the calls. The default is no key: all tasks without one are one share.
    ///
    /// It is the time that tasks really take that counts, and only while others wait: who had an idle
    /// pool for himself does not pay for it when others come, and who comes late has no credit. A share
    /// whose tasks take a thousand times as long as another's gets a worker for one of them where the
    /// other gets a thousand. A single task is never interrupted, so who comes while all workers are at
    /// long tasks waits for the first to end.
    ///
    /// The key is whatever names the share: a number, a string, a tuple. It is kept as a 64-bit hash; if
    /// two hash alike, which among a million keys happens in one process of 30 million, they are one
    /// share. There may be any number of keys; no memory is kept for those that have not been in use.
    /// Room in a queue with a [capacity](crate::Builder::queue_capacity) is for whoever comes first.
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
    /// // He is not behind all of hers.
    /// assert_eq!(ben.run_in_process(|x: u64| x * x, 12).await?, 144);
    /// # drop(many);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn share(mut self, key: impl Hash) -> Self {
        self.share = Some(ShareKey::from_hash(key_hash(key)));
        self
    }

    /// Lets a task prefer the worker that was given a task with the same key last, whose caches are
    /// warm: a file that is mapped, a model that is loaded, a connection that is open.
    ///
    /// It is a preference, and no worker is idle for it. The task goes to that worker if it is idle, or
    /// will be in some hundred microseconds and the task itself is as short; if that turns out not to be
    /// so while another is idle, the other gets the task. Else it goes to any that is free, which
    /// is preferred from then on. A function must work in any worker.
    ///
    /// The key is whatever names what is warm, and is kept as a hash, as that of a
    /// [share](TaskOptions::share). The pool remembers the 4096 keys that were used last, or more.
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
