//! What a pool does with the tasks of one of its handles.

use std::time::Duration;

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
}

impl TaskOptions {
    /// No limit, no retries, no grace.
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
}
