//! Options for a new pool.

use std::ffi::OsStr;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use procpool_os::Image;
use procpool_scheduler::{Backoff, Config};
use procpool_wire::Initialize;
use procpool_worker::{InitializerCall, TryInitializerCall};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::EncodedCall;
use crate::driver::{self, CoreConfig, OpenPool, Surroundings, WorkerLimits};
use crate::error::{BuildError, EncodeError};
use crate::pool::ProcessPool;
use crate::worker_output::WorkerOutput;

/// Options for a new pool; made by [`ProcessPool::builder`]. Every default suits a server.
///
/// ```
/// # use std::time::Duration;
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = procpool::ProcessPool::builder()
///     .workers(2)
///     .startup_timeout(Duration::from_secs(5))
///     .name("thumbnails")
///     .build()?;
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until `build()`"]
pub struct Builder<S = ()> {
    min_workers: Option<usize>,
    max_workers: Option<usize>,
    startup_timeout: Duration,
    idle_timeout: Duration,
    max_tasks_per_worker: Option<u64>,
    queue_capacity: usize,
    name: String,
    max_age: Option<Duration>,
    limits: WorkerLimits,
    surroundings: Surroundings,
    initializer: Option<Result<EncodedCall, EncodeError>>,
    state: PhantomData<fn(S)>,
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

// Here and not with the pool's other methods, so that a pool needs to know nothing of its builder.
impl ProcessPool {
    /// A pool with as many workers as this process may use CPUs
    /// ([`available_parallelism`](std::thread::available_parallelism), which honours cgroups and
    /// affinity), and the defaults of [`Builder`] otherwise.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Options for a new pool.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl Builder {
    pub(crate) fn new() -> Self {
        Builder {
            min_workers: None,
            max_workers: None,
            startup_timeout: STARTUP_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            max_tasks_per_worker: None,
            queue_capacity: usize::MAX,
            name: "procpool".to_owned(),
            max_age: None,
            limits: WorkerLimits::default(),
            surroundings: Surroundings {
                env: Vec::new(),
                env_clear: false,
                current_dir: None,
                stdout: WorkerOutput::Inherit,
                stderr: WorkerOutput::Forward,
            },
            initializer: None,
            state: PhantomData,
        }
    }
}

impl<S> Builder<S> {
    /// Makes a state in each worker, before its first task, by `function(arg)`; tasks get it by
    /// [`run_with_state`](ProcessPool::run_with_state). It replaces an initializer that was set before.
    ///
    /// The argument is encoded here, once, and decoded in each worker. The state itself never leaves
    /// its worker, and may be of any type. It is dropped when the worker stops at the pool's shutdown,
    /// or is replaced, for which it has 5 seconds; not when the worker is killed.
    ///
    /// A panic fails the worker's start: tasks that wait get
    /// [`TaskError::WorkerStart`](crate::TaskError::WorkerStart) with the panic as its source.
    pub fn initializer<I, T>(self, function: fn(I) -> T, arg: I) -> Builder<T>
    where
        I: Serialize + DeserializeOwned + 'static,
        T: 'static,
    {
        let limit = Initialize::MAX_ARGS_LEN;
        let call = EncodedCall::new::<fn(I) -> T, InitializerCall, I>(function, arg, limit);
        self.with_initializer(call)
    }

    /// As [`initializer`](Builder::initializer), for a function that may fail: an `Err` fails the
    /// worker's start, and is in the source of
    /// [`TaskError::WorkerStart`](crate::TaskError::WorkerStart) as the text that its `Display` gives.
    pub fn try_initializer<I, T, E>(self, function: fn(I) -> Result<T, E>, arg: I) -> Builder<T>
    where
        I: Serialize + DeserializeOwned + 'static,
        T: 'static,
        E: fmt::Display + 'static,
    {
        let limit = Initialize::MAX_ARGS_LEN;
        let call =
            EncodedCall::new::<fn(I) -> Result<T, E>, TryInitializerCall, I>(function, arg, limit);
        self.with_initializer(call)
    }

    fn with_initializer<T>(self, call: Result<EncodedCall, EncodeError>) -> Builder<T> {
        Builder {
            initializer: Some(call),
            state: PhantomData,
            min_workers: self.min_workers,
            max_workers: self.max_workers,
            startup_timeout: self.startup_timeout,
            idle_timeout: self.idle_timeout,
            max_tasks_per_worker: self.max_tasks_per_worker,
            max_age: self.max_age,
            queue_capacity: self.queue_capacity,
            name: self.name,
            limits: self.limits,
            surroundings: self.surroundings,
        }
    }

    /// Exactly this many workers, started at once. The default is
    /// [`available_parallelism`](thread::available_parallelism), which honours cgroups and affinity.
    pub fn workers(self, count: usize) -> Self {
        self.min_workers(count).max_workers(count)
    }

    /// At least this many workers, started at once. The default is `max_workers`.
    pub fn min_workers(mut self, count: usize) -> Self {
        self.min_workers = Some(count);
        self
    }

    /// At most this many workers; those beyond `min_workers` are started when tasks wait, and stop
    /// after [`idle_timeout`](Builder::idle_timeout). The default is `available_parallelism`, or
    /// `min_workers` if that is more.
    pub fn max_workers(mut self, count: usize) -> Self {
        self.max_workers = Some(count);
        self
    }

    /// How long a worker may take from its spawn until it is ready; then it is killed. It is never
    /// charged to a task. The default is 30 seconds.
    pub fn startup_timeout(mut self, limit: Duration) -> Self {
        self.startup_timeout = limit;
        self
    }

    /// How long a worker beyond `min_workers` may have nothing to do before it stops. The default is
    /// 60 seconds.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// A worker that has run this many tasks is replaced. The replacement is started first, and not
    /// all workers are replaced at once. By default a worker is never replaced for this.
    pub fn max_tasks_per_worker(mut self, count: u64) -> Self {
        self.max_tasks_per_worker = Some(count);
        self
    }

    /// A worker that has lived this long is replaced, a little earlier or later, so that not all
    /// workers are replaced at once; the replacement is started first, and no task is broken off. It
    /// is 100 milliseconds at least. By default a worker is never replaced for this.
    pub fn max_worker_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// A worker whose memory has grown by more than so many bytes since it was new, looked at after a
    /// task, is replaced: the replacement first, and not all at once. It is for functions that leak. By
    /// default a worker is never replaced for this.
    pub fn max_worker_growth(mut self, bytes: u64) -> Self {
        self.limits.growth = Some(bytes);
        self
    }

    /// How many bytes of data each worker may have, 8 MiB at least. A task that needs more gives
    /// [`TaskError::LimitExceeded`](crate::TaskError::LimitExceeded), and its worker is replaced. By
    /// default there is no limit.
    ///
    /// Two things are limited: what the worker allocates (`RLIMIT_DATA`, so that the allocation
    /// itself fails), and what it has resident, shared memory and mapped files included (looked at
    /// ten times a second). An allocation that fails is told from another abort by what Rust's or
    /// C++'s standard library then says on stderr, so with [`stderr`](Builder::stderr) set to
    /// `Inherit` or `Null` it is a [`TaskError::WorkerExited`](crate::TaskError::WorkerExited) by
    /// SIGABRT. A program that handles failed allocations itself goes on.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.limits.memory = Some(bytes);
        self
    }

    /// A control group (`cgroups(7)`, version 2) that this program may divide: a directory below
    /// `/sys/fs/cgroup` that was delegated to it, has no process of its own, and passes the memory
    /// controller on to its children if there is a [`memory_limit`](Builder::memory_limit).
    ///
    /// Each worker then gets a group in it, which it joins before it does anything else. The kernel
    /// keeps the memory limit exactly, for the worker and all of its descendants together, and what
    /// the worker started ends with it, also processes that left its process group (`setsid(2)`).
    /// Without it, and by default, the worker limits itself.
    pub fn cgroup(mut self, directory: impl AsRef<Path>) -> Self {
        self.limits.cgroup = Some(directory.as_ref().to_owned());
        self
    }

    /// How much CPU time each task may use that has no
    /// [limit of its own](crate::TaskOptions::cpu_time_limit). By default there is no limit.
    pub fn cpu_time_limit(mut self, limit: Duration) -> Self {
        self.limits.cpu_time = Some(limit);
        self
    }

    /// How many tasks may wait for a worker; one more gives
    /// [`TaskError::QueueFull`](crate::TaskError::QueueFull), or comes back from
    /// [`try_run_in_process`](ProcessPool::try_run_in_process), or waits in
    /// [`reserve`](ProcessPool::reserve). With 0, only what a free worker can
    /// take at once is accepted. By default there is no limit.
    pub fn queue_capacity(mut self, tasks: usize) -> Self {
        self.queue_capacity = tasks;
        self
    }

    /// The pool's name, in logs and in the workers' arguments, where `ps` shows it. The default is
    /// "procpool".
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets a variable of the workers' environment, in addition to this process's own.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).env("OMP_NUM_THREADS", "1").build()?;
    /// let threads = pool.run_in_process(|()| std::env::var("OMP_NUM_THREADS").ok(), ()).await?;
    /// assert_eq!(threads.as_deref(), Some("1"));
    /// # Ok(()) }
    /// ```
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let variable = (name.as_ref().to_owned(), Some(value.as_ref().to_owned()));
        self.surroundings.env.push(variable);
        self
    }

    /// Removes a variable from the workers' environment.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.surroundings.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// Starts the workers with an empty environment, but for what [`env`](Builder::env) sets. By
    /// default they have this process's own.
    pub fn env_clear(mut self) -> Self {
        self.surroundings.env_clear = true;
        self.surroundings.env.clear();
        self
    }

    /// Starts the workers in this directory. By default it is that of this process when they start.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.surroundings.current_dir = Some(directory.as_ref().to_owned());
        self
    }

    /// Where the workers' standard output goes. The default is
    /// [`Inherit`](WorkerOutput::Inherit): it is this process's own.
    pub fn stdout(mut self, output: WorkerOutput) -> Self {
        self.surroundings.stdout = output;
        self
    }

    /// Where the workers' standard error goes. The default is [`Forward`](WorkerOutput::Forward): to
    /// this process's own, with its end kept for
    /// [`WorkerExit::stderr_tail`](crate::WorkerExit::stderr_tail).
    pub fn stderr(mut self, output: WorkerOutput) -> Self {
        self.surroundings.stderr = output;
        self
    }

    /// Builds the pool on the tokio runtime around, and starts its workers.
    ///
    /// It doesn't wait for them: tasks may be submitted at once. Trouble in starting workers is told
    /// to the tasks that wait for them, as
    /// [`TaskError::WorkerStart`](crate::TaskError::WorkerStart).
    ///
    /// # Errors
    /// [`BuildError`], if this process never called [`init`](crate::init), an option has a value
    /// that can't be, there is no runtime with I/O around, or the system is short of descriptors.
    pub fn build(self) -> Result<ProcessPool<S>, BuildError> {
        if !procpool_worker::is_initialized() {
            return Err(BuildError::NotInitialized);
        }
        Image::current().map_err(BuildError::Image)?;
        let config = CoreConfig {
            scheduler: self.config()?,
            name: self.name,
            surroundings: self.surroundings,
            limits: self.limits,
            initializer: self
                .initializer
                .transpose()
                .map_err(BuildError::Initializer)?,
        };
        if let Err(error) = tokio::runtime::Handle::try_current() {
            return Err(BuildError::Runtime(error.to_string()));
        }
        // The only way that tokio has to say that a runtime has no I/O driver is a panic.
        match panic::catch_unwind(AssertUnwindSafe(|| driver::start(config))) {
            Ok(Ok(core)) => Ok(ProcessPool::from_open(Arc::new(OpenPool::new(core)))),
            Ok(Err(error)) => Err(BuildError::System(error)),
            Err(_) => Err(BuildError::Runtime(
                "call `enable_io()` or `enable_all()` on its builder".to_owned(),
            )),
        }
    }

    fn config(&self) -> Result<Config, BuildError> {
        let cpus = || thread::available_parallelism().map_or(1, Into::into);
        let max = self
            .max_workers
            .unwrap_or_else(|| cpus().max(self.min_workers.unwrap_or(0)));
        let min = self.min_workers.unwrap_or(max);
        if max == 0 || min > max {
            return Err(BuildError::Workers { min, max });
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
            queue_capacity: self.queue_capacity,
            startup_timeout: self.startup_timeout,
            stop_timeout: STOP_TIMEOUT,
            untouched_timeout: Some(STOP_TIMEOUT),
            idle_timeout: Some(self.idle_timeout),
            max_tasks_per_worker,
            max_age: self.max_age,
            window: Config::MAX_WINDOW,
            send_ahead: SEND_AHEAD,
            backoff: BACKOFF,
            retry_backoff: RETRY_BACKOFF,
        })
    }
}

impl<S> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("min_workers", &self.min_workers)
            .field("max_workers", &self.max_workers)
            .field("startup_timeout", &self.startup_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("max_tasks_per_worker", &self.max_tasks_per_worker)
            .field("queue_capacity", &self.queue_capacity)
            .field("name", &self.name)
            .field("max_age", &self.max_age)
            .field("limits", &self.limits)
            .field("surroundings", &self.surroundings)
            .finish()
    }
}
