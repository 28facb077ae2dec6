//! The options of a pool that is to be built, and what they may be.

use std::num::NonZeroU64;
use std::thread;
use std::time::Duration;

use procpool_scheduler::{Backoff, Config};

use crate::driver::{ProcessEnv, WorkerLimits};
use crate::error::BuildError;
use crate::options::processors::processors;
use crate::options::worker_output::WorkerOutput;
use crate::pool::pool_size::PoolSize;

/// All options but what decides the type of the workers' state.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) min_workers: Option<usize>,
    pub(super) max_workers: Option<usize>,
    pub(super) standby_workers: usize,
    pub(super) startup_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) max_tasks_per_worker: Option<u64>,
    pub(super) queue_capacity: usize,
    pub(super) name: String,
    pub(super) max_age: Option<Duration>,
    pub(super) limits: WorkerLimits,
    pub(super) spin: Duration,
    pub(super) env: ProcessEnv,
}

/// A worker that hasn't started after this has failed to.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(30);

/// A worker that was told to stop and hasn't exited after this is killed; a worker that doesn't begin
/// what it was sent for as long is stuck.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A worker beyond `min_workers` that had nothing to do for this long stops.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How much work of known, short functions is sent to a worker ahead of its turn. Long enough to
/// keep a worker busy while its parent is not looking, short enough to be no queue of its own.
const SEND_AHEAD: Duration = Duration::from_micros(300);

/// A worker holds results back for half of this; longer only if the next task takes longer.
const HELD_BACK: Duration = Duration::from_micros(100);

/// How long a worker looks for its next task before it sleeps: what two processors take to wake up.
const SPIN: Duration = Duration::from_micros(50);

/// The longest time for which one may.
pub(super) const LONGEST_SPIN: Duration = Duration::from_millis(1);

/// How long until the next attempt when no worker could be started.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    max: Duration::from_secs(2),
};

/// How long until a task runs again after the death of its worker.
const RETRY_BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(20),
    max: Duration::from_secs(2),
};

/// The least memory that a worker can live on.
const LEAST_MEMORY: u64 = 8 << 20;

/// The least time after which it makes sense to replace a worker.
const LEAST_AGE: Duration = Duration::from_millis(100);

impl Options {
    /// The defaults.
    pub(super) fn new() -> Self {
        Options {
            min_workers: None,
            max_workers: None,
            standby_workers: 0,
            startup_timeout: STARTUP_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            max_tasks_per_worker: None,
            queue_capacity: usize::MAX,
            name: "procpool".to_owned(),
            max_age: None,
            limits: WorkerLimits::default(),
            spin: SPIN,
            env: ProcessEnv {
                env: Vec::new(),
                env_clear: false,
                current_dir: None,
                stdout: WorkerOutput::Inherit,
                stderr: WorkerOutput::Forward,
            },
        }
    }

    /// What the scheduler must know of them.
    ///
    /// # Errors
    /// An option has a value that can't be.
    pub(super) fn config(&self) -> Result<Config, BuildError> {
        let cpus = || thread::available_parallelism().map_or(1, Into::into);
        let max = self
            .max_workers
            .unwrap_or_else(|| cpus().max(self.min_workers.unwrap_or(0)));
        let min = self.min_workers.unwrap_or(max);
        if !PoolSize::new(min, max).is_possible() {
            return Err(BuildError::Workers { min, max });
        }
        if self.standby_workers > PoolSize::MOST {
            return Err(BuildError::Option {
                option: "standby_workers",
                value: self.standby_workers.to_string(),
                expected: "a system has no more than 4194304 processes",
            });
        }
        let count = self.max_tasks_per_worker;
        let max_tasks_per_worker = count.and_then(NonZeroU64::new);
        if count.is_some() && max_tasks_per_worker.is_none() {
            return Err(BuildError::Option {
                option: "max_tasks_per_worker",
                value: "0".to_owned(),
                expected: "a worker must be allowed one task at least",
            });
        }
        if self.startup_timeout.is_zero() {
            return Err(BuildError::Option {
                option: "startup_timeout",
                value: "0".to_owned(),
                expected: "a worker takes about two milliseconds to start",
            });
        }
        if let Some(bytes) = self.limits.memory.filter(|bytes| *bytes < LEAST_MEMORY) {
            return Err(BuildError::Option {
                option: "memory_limit",
                value: format!("{bytes} bytes"),
                expected: "a worker needs 8 MiB to live on",
            });
        }
        if let Some(age) = self.max_age.filter(|age| *age < LEAST_AGE) {
            return Err(BuildError::Option {
                option: "max_worker_age",
                value: format!("{age:?}"),
                expected: "workers that live less than 100 ms would do little but start",
            });
        }
        if self.name.contains('\0') {
            return Err(BuildError::Option {
                option: "name",
                value: format!("{:?}", self.name),
                expected: "it becomes an argument of the workers, which can't hold a zero byte",
            });
        }
        Ok(Config {
            min_workers: min,
            max_workers: max,
            standby_workers: self.standby_workers,
            queue_capacity: self.queue_capacity,
            startup_timeout: self.startup_timeout,
            stop_timeout: STOP_TIMEOUT,
            untouched_timeout: Some(STOP_TIMEOUT),
            idle_timeout: Some(self.idle_timeout),
            max_tasks_per_worker,
            max_age: self.max_age,
            window: Config::MAX_WINDOW,
            processors: processors(),
            send_ahead: SEND_AHEAD,
            held_back: Some(HELD_BACK),
            backoff: BACKOFF,
            retry_backoff: RETRY_BACKOFF,
        })
    }
}
