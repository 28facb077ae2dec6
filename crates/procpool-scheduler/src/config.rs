//! The options of a pool.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::policy::tuning::LATE_AFTER;

/// The sizes, limits and pauses of one pool.
#[derive(Clone, Debug)]
pub struct Config {
    /// How many workers are kept even if there is nothing to do.
    pub min_workers: usize,
    /// The most workers that run tasks at one moment.
    pub max_workers: usize,
    /// How many workers are kept idle in addition to those that are needed, beyond `max_workers` if need be. They take tasks
    /// like any other, but never more than `max_workers` are busy. So a worker that is gone has a replacement at once.
    pub standby_workers: usize,
    /// How many tasks may wait for a worker to become free. Tasks for which a worker is idle, starting, or could be started
    /// do not count. So 0 means that a task which would have to wait is refused. Room that is reserved counts.
    pub queue_capacity: usize,
    /// How long a worker may take from spawn to ready before it is killed.
    pub startup_timeout: Duration,
    /// How long a worker that was asked to stop may take before it is killed. Also how long a worker may leave tasks unclaimed
    /// before it counts as stuck.
    pub stop_timeout: Duration,
    /// How long a worker may leave a task untouched before another worker gets it: at least so long, and up to twice as long.
    /// For tasks without a time limit of their own. `None`: for ever.
    pub untouched_timeout: Option<Duration>,
    /// After how much idle time a worker beyond `min_workers` is stopped. `None`: never.
    pub idle_timeout: Option<Duration>,
    /// After how many tasks a worker is replaced. It never runs more. It may run fewer, down to about half of a large number,
    /// so that workers are not replaced all at once.
    pub max_tasks_per_worker: Option<NonZeroU64>,
    /// After how much time a worker is replaced, or up to an eighth less, so that workers are not replaced all at once.
    /// `None`: never.
    pub max_age: Option<Duration>,
    /// The most tasks in flight on one worker, 1 to [`MAX_WINDOW`](Self::MAX_WINDOW).
    pub window: usize,
    /// How many workers can run at the same time. If more are busy they take turns, and one that is late may not have had
    /// its turn.
    pub processors: usize,
    /// How long the first task of a worker may run before the tasks that were sent behind it are taken back, if the
    /// pool has a processor for each busy worker. `None`: for ever.
    pub late_after: Option<Duration>,
    /// How much expected work may be in flight on one worker for another task to be sent behind it.
    pub send_ahead: Duration,
    /// How long a worker that has more to do may hold a result back before the driver looks for it. `None`: workers hold
    /// nothing back.
    pub held_back: Option<Duration>,
    /// The pauses between attempts when workers fail to start.
    pub backoff: Backoff,
    /// The pauses before a task is run again after the death of its worker.
    pub retry_backoff: Backoff,
}

impl Config {
    /// The most that [`window`](Self::window) may be: the slots of one control page.
    pub const MAX_WINDOW: usize = 512;
}

impl Default for Config {
    /// One worker, an unbounded queue, and limits that suit a server.
    fn default() -> Self {
        Self {
            min_workers: 1,
            max_workers: 1,
            standby_workers: 0,
            queue_capacity: usize::MAX,
            startup_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
            untouched_timeout: Some(Duration::from_secs(5)),
            idle_timeout: None,
            max_tasks_per_worker: None,
            max_age: None,
            window: Self::MAX_WINDOW,
            processors: usize::MAX,
            late_after: Some(LATE_AFTER),
            send_ahead: Duration::from_micros(300),
            held_back: None,
            backoff: Backoff::default(),
            retry_backoff: Backoff {
                first: Duration::from_millis(20),
                max: Duration::from_secs(2),
            },
        }
    }
}

/// Pauses that double from `first` to `max`.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
    /// The longest pause.
    pub max: Duration,
}

impl Backoff {
    /// The pause after as many failures as this, of which there is at least one.
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.max)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            max: Duration::from_secs(2),
        }
    }
}
