//! The plan of one round.

use std::path::Path;
use std::time::Duration;

use procpool::{BuildError, ProcessPool, WorkerOutput};
use tokio::runtime::{Builder, Runtime};

use crate::rng::Rng;

/// The random choices about a round before it starts.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Whether the pool's runtime is multi-threaded.
    pub(crate) multi_thread: bool,
    pub(crate) submitters: usize,
    /// The number of tasks that each of them has in flight.
    pub(crate) at_once: usize,
    pub(crate) length: Duration,
    /// How many of a thousand tasks are harmful.
    pub(crate) wildness: u64,
    pub(crate) killer: Option<Habits>,
    pub(crate) pool: PoolPlan,
    pub(crate) finale: Finale,
    /// Whether the pool is resized, warmed up, and runs broadcasts.
    pub(crate) restless: bool,
}

/// The behaviour of the killer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// The longest pause between two actions.
    pub(crate) pause: Duration,
    /// Whether it also stops and continues workers.
    pub(crate) stops: bool,
}

/// The pool's options.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolPlan {
    pub(crate) min_workers: usize,
    pub(crate) max_workers: usize,
    pub(crate) standby_workers: usize,
    pub(crate) startup_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_tasks: Option<u64>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) max_growth: Option<u64>,
    pub(crate) memory: Option<u64>,
    pub(crate) cpu_time: Option<Duration>,
    pub(crate) capacity: Option<usize>,
    pub(crate) stderr: WorkerOutput,
}

/// The end of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finale {
    /// All handles are dropped.
    LastHandle,
    Close,
    Shutdown,
    /// A shutdown that is polled once and dropped.
    ShutdownForgotten,
    ShutdownTimeout(Duration),
    Terminate,
    /// In the middle of a shutdown.
    TerminateShutdown,
    RuntimeDropped,
    RuntimeShutDown(Duration),
    RuntimeInBackground,
}

impl Plan {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let killer = rng.chance(550).then(|| Habits {
            pause: Duration::from_millis(rng.pick(&[2, 10, 40])),
            stops: rng.chance(600),
        });
        Plan {
            multi_thread: rng.chance(600),
            submitters: 1 + rng.index(4),
            at_once: rng.pick(&[1, 4, 20, 60]),
            length: Duration::from_millis(200 + rng.below(600)),
            wildness: rng.pick(&[20, 100, 300]),
            killer,
            pool: PoolPlan::new(rng, killer.is_some()),
            finale: Finale::new(rng),
            restless: rng.chance(500),
        }
    }

    pub(crate) fn runtime(&self) -> Runtime {
        let mut builder = match self.multi_thread {
            true => Builder::new_multi_thread(),
            false => Builder::new_current_thread(),
        };
        let built = builder.worker_threads(2).enable_all().build();
        built.expect("a runtime")
    }

    /// Returns whether all accepted tasks finish.
    pub(crate) fn is_graceful(&self) -> bool {
        matches!(
            self.finale,
            Finale::LastHandle | Finale::Close | Finale::Shutdown | Finale::ShutdownForgotten
        )
    }

    /// Returns whether a worker may be killed, or its start prevented, by anything but its own task.
    pub(crate) fn is_bloody(&self) -> bool {
        self.killer.is_some()
    }
}

impl PoolPlan {
    fn new(rng: &mut Rng, is_bloody: bool) -> Self {
        let max_workers = 1 + rng.index(4);
        let max_growth = rng.chance(250).then_some(8 << 20);
        PoolPlan {
            min_workers: match rng.chance(600) {
                true => max_workers,
                false => rng.index(max_workers + 1),
            },
            max_workers,
            standby_workers: rng.pick(&[0, 0, 1, 2]),
            startup_timeout: (is_bloody && rng.chance(200)).then(|| rng.up_to_millis(40)),
            idle_timeout: rng.chance(500).then(|| rng.up_to_millis(60)),
            max_tasks: rng.chance(350).then(|| 1 + rng.below(60)),
            max_age: rng.chance(350).then_some(Duration::from_millis(100)),
            max_growth,
            // Leaked memory counts towards a limit, and would end tasks that did nothing.
            memory: (max_growth.is_none() && rng.chance(300)).then_some(256 << 20),
            cpu_time: rng.chance(300).then_some(Duration::from_millis(1500)),
            capacity: rng.chance(300).then(|| rng.index(20)),
            stderr: rng.pick(&[
                WorkerOutput::Null,
                WorkerOutput::Trace,
                WorkerOutput::Forward,
            ]),
        }
    }

    /// Builds the pool, with workers that start in that directory.
    pub(crate) fn build(&self, directory: &Path) -> Result<ProcessPool, BuildError> {
        let mut builder = ProcessPool::builder()
            .name("chaos")
            .current_dir(directory)
            .min_workers(self.min_workers)
            .max_workers(self.max_workers)
            .standby_workers(self.standby_workers)
            .stderr(self.stderr);
        if let Some(limit) = self.startup_timeout {
            builder = builder.startup_timeout(limit.max(Duration::from_millis(1)));
        }
        if let Some(limit) = self.idle_timeout {
            builder = builder.idle_timeout(limit);
        }
        if let Some(count) = self.max_tasks {
            builder = builder.max_tasks_per_worker(count);
        }
        if let Some(age) = self.max_age {
            builder = builder.max_worker_age(age);
        }
        if let Some(bytes) = self.max_growth {
            builder = builder.max_worker_growth(bytes);
        }
        if let Some(bytes) = self.memory {
            builder = builder.memory_limit(bytes);
        }
        if let Some(limit) = self.cpu_time {
            builder = builder.cpu_time_limit(limit);
        }
        if let Some(tasks) = self.capacity {
            builder = builder.queue_capacity(tasks);
        }
        builder.build()
    }

    /// Returns whether the end of a worker's stderr is kept.
    pub(crate) fn keeps_stderr(&self) -> bool {
        self.stderr != WorkerOutput::Null
    }
}

impl Finale {
    fn new(rng: &mut Rng) -> Self {
        let soon = rng.up_to_millis(50);
        rng.pick(&[
            Finale::LastHandle,
            Finale::LastHandle,
            Finale::Close,
            Finale::Shutdown,
            Finale::Shutdown,
            Finale::ShutdownForgotten,
            Finale::ShutdownTimeout(soon),
            Finale::ShutdownTimeout(soon),
            Finale::Terminate,
            Finale::Terminate,
            Finale::TerminateShutdown,
            Finale::RuntimeDropped,
            Finale::RuntimeDropped,
            Finale::RuntimeShutDown(soon),
            Finale::RuntimeInBackground,
        ])
    }
}
