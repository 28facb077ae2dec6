//! The values of a builder's options, their defaults, and their checks.

use std::num::NonZeroU64;
use std::thread;
use std::time::Duration;

use procpool_scheduler::{Backoff, Config};

use crate::driver::{ProcessEnv, WorkerLimits};
use crate::error::BuildError;
use crate::options::processors::processors;
use crate::options::worker_output::WorkerOutput;
use crate::pool::pool_size::PoolSize;

/// All options of a [`Builder`](super::Builder) that do not depend on the type of the workers' state.
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
    pub(super) process_env: ProcessEnv,
}

/// The default of `startup_timeout`.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(30);

/// The time after which a worker is killed if it was told to stop and has not exited, or if it has
/// not started a task that it was sent.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// The default of `idle_timeout`.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The estimated total of the short tasks that a worker may prefetch. It is long enough to keep a
/// worker busy until its parent wakes up, and short enough that other workers need not take tasks over.
const SEND_AHEAD: Duration = Duration::from_micros(300);

/// A worker holds results back for at most half of this time, unless the next task takes longer.
const HELD_BACK: Duration = Duration::from_micros(100);

/// The default of `spin`: the time that it takes to wake two sleeping processors.
const SPIN: Duration = Duration::from_micros(50);

/// The greatest value of `spin`.
pub(super) const LONGEST_SPIN: Duration = Duration::from_millis(1);

/// The pause after a failed attempt to start a worker.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    max: Duration::from_secs(2),
};

/// The pause between the death of a worker and the retry of its task.
const RETRY_BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(20),
    max: Duration::from_secs(2),
};

/// The least value of `memory_limit`: a worker that runs nothing needs about as much.
const LEAST_MEMORY: u64 = 8 << 20;

/// The least value of `max_worker_age`.
const LEAST_AGE: Duration = Duration::from_millis(100);

impl Options {
    /// Returns the defaults.
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
            process_env: ProcessEnv {
                env: Vec::new(),
                env_clear: false,
                current_dir: None,
                stdout: WorkerOutput::Inherit,
                stderr: WorkerOutput::Forward,
            },
        }
    }

    /// Checks the options and returns the scheduler's part of them.
    ///
    /// # Errors
    /// An option has an impossible value.
    pub(super) fn config(&self) -> Result<Config, BuildError> {
        let size = self.size()?;
        let standby_workers = self.standby_workers()?;
        let max_tasks_per_worker = self.max_tasks_per_worker()?;
        let startup_timeout = self.startup_timeout()?;
        self.check_memory_limit()?;
        let max_age = self.max_age()?;
        self.check_name()?;
        Ok(Config {
            min_workers: size.min(),
            max_workers: size.max(),
            standby_workers,
            queue_capacity: self.queue_capacity,
            startup_timeout,
            stop_timeout: STOP_TIMEOUT,
            untouched_timeout: Some(STOP_TIMEOUT),
            idle_timeout: Some(self.idle_timeout),
            max_tasks_per_worker,
            max_age,
            window: Config::MAX_WINDOW,
            processors: processors(),
            send_ahead: SEND_AHEAD,
            held_back: Some(HELD_BACK),
            backoff: BACKOFF,
            retry_backoff: RETRY_BACKOFF,
            ..Config::default()
        })
    }

    fn size(&self) -> Result<PoolSize, BuildError> {
        let cpus = || thread::available_parallelism().map_or(1, Into::into);
        let max = self
            .max_workers
            .unwrap_or_else(|| cpus().max(self.min_workers.unwrap_or(0)));
        let min = self.min_workers.unwrap_or(max);
        let size = PoolSize::new(min, max);
        match size.is_possible() {
            true => Ok(size),
            false => Err(BuildError::Workers { min, max }),
        }
    }

    fn standby_workers(&self) -> Result<usize, BuildError> {
        let count = self.standby_workers;
        match count > PoolSize::MOST {
            true => Err(BuildError::Option {
                option: "standby_workers",
                value: count.to_string(),
                expected: "a system has no more than 4194304 processes",
            }),
            false => Ok(count),
        }
    }

    fn max_tasks_per_worker(&self) -> Result<Option<NonZeroU64>, BuildError> {
        let nonzero = |count| {
            NonZeroU64::new(count).ok_or_else(|| BuildError::Option {
                option: "max_tasks_per_worker",
                value: "0".to_owned(),
                expected: "a worker must be allowed one task at least",
            })
        };
        self.max_tasks_per_worker.map(nonzero).transpose()
    }

    fn startup_timeout(&self) -> Result<Duration, BuildError> {
        match self.startup_timeout.is_zero() {
            true => Err(BuildError::Option {
                option: "startup_timeout",
                value: "0".to_owned(),
                expected: "a worker takes about two milliseconds to start",
            }),
            false => Ok(self.startup_timeout),
        }
    }

    fn check_memory_limit(&self) -> Result<(), BuildError> {
        match self.limits.memory {
            Some(bytes) if bytes < LEAST_MEMORY => Err(BuildError::Option {
                option: "memory_limit",
                value: format!("{bytes} bytes"),
                expected: "a worker needs at least 8 MiB",
            }),
            _ => Ok(()),
        }
    }

    fn max_age(&self) -> Result<Option<Duration>, BuildError> {
        match self.max_age {
            Some(age) if age < LEAST_AGE => Err(BuildError::Option {
                option: "max_worker_age",
                value: format!("{age:?}"),
                expected: "workers that live less than 100 ms would do little but start",
            }),
            age => Ok(age),
        }
    }

    fn check_name(&self) -> Result<(), BuildError> {
        match self.name.contains('\0') {
            true => Err(BuildError::Option {
                option: "name",
                value: format!("{:?}", self.name),
                expected: "it becomes an argument of the workers, which can't hold a zero byte",
            }),
            false => Ok(()),
        }
    }
}
