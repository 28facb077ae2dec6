//! The error of a task whose worker died.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::task::task_id::TaskId;

/// The death of the worker that ran the task.
///
/// ```
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use procpool::TaskError;
///
/// fn exit(code: i32) {
///     std::process::exit(code)
/// }
/// let pool = procpool::ProcessPool::builder().workers(1).build()?;
/// let error = pool.run_in_process(exit, 3).await.unwrap_err();
/// let TaskError::WorkerExited(exit) = error else { panic!("{error}") };
/// assert_eq!(exit.code(), Some(3));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct WorkerExit {
    exit: Arc<Inner>,
    task: Option<TaskId>,
    attempts: u32,
    /// The worker reported that an allocation had failed.
    is_out_of_memory: bool,
}

#[derive(Debug)]
struct Inner {
    pid: u32,
    code: Option<i32>,
    signal: Option<i32>,
    uptime: Duration,
    cause: Option<ExitCause>,
    stderr_tail: String,
}

/// The reason why the pool itself killed a worker.
#[derive(Debug, Clone)]
pub(crate) enum ExitCause {
    /// The worker closed its socket without exiting.
    Hangup,
    /// The worker used more memory than this limit, in bytes.
    Memory(u64),
    /// The worker broke the protocol in this way.
    Protocol(String),
}

impl WorkerExit {
    pub(crate) fn new(
        pid: u32,
        (code, signal): (Option<i32>, Option<i32>),
        uptime: Duration,
        cause: Option<ExitCause>,
        stderr_tail: String,
    ) -> Self {
        let exit = Inner {
            pid,
            code,
            signal,
            uptime,
            cause,
            stderr_tail,
        };
        WorkerExit {
            exit: Arc::new(exit),
            task: None,
            attempts: 1,
            is_out_of_memory: false,
        }
    }

    pub(crate) fn out_of_memory(mut self, said: bool) -> Self {
        self.is_out_of_memory = said;
        self
    }

    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.is_out_of_memory
    }

    pub(crate) fn cause(&self) -> Option<&ExitCause> {
        self.exit.cause.as_ref()
    }

    pub(crate) fn of(self, task: TaskId, attempts: u32) -> Self {
        let task = Some(task);
        WorkerExit {
            task,
            attempts,
            ..self
        }
    }

    /// Returns the worker's process id. The system may have given it to another process since.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.exit.pid
    }

    /// Returns the exit code, or `None` if a signal killed the worker.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.exit.code
    }

    /// Returns the number of the signal that killed the worker, or `None` if it exited by itself.
    ///
    /// The numbers are those of `signal(7)`: 6 is an abort, 11 an invalid memory access. An unexpected 9
    /// most often means that the system had run out of memory.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.exit.signal
    }

    /// Returns the end of what the worker wrote to its standard error: at most 8 KiB, starting at a
    /// whole line if there is one.
    ///
    /// It is empty if the worker's standard error does not pass through this process, see
    /// [`WorkerOutput`](crate::WorkerOutput).
    #[must_use]
    pub fn stderr_tail(&self) -> &str {
        &self.exit.stderr_tail
    }

    /// Returns the id of the task that ran, or `None` if the worker died before it was ready.
    #[must_use]
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// Returns how many workers died running this task: more than one if it was
    /// [retried](crate::TaskOptions::retries). This is the last of those deaths.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns the time from the worker's spawn to its death.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.exit.uptime
    }
}

impl fmt::Display for WorkerExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.exit.fmt(f)?;
        match self.attempts {
            0 | 1 => Ok(()),
            deaths => write!(
                f,
                ", the last of {deaths} workers that died running the task"
            ),
        }
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            pid,
            code,
            signal,
            cause,
            ..
        } = self;
        match cause {
            Some(ExitCause::Protocol(what)) => {
                return write!(
                    f,
                    "worker {pid} was killed because it broke the protocol: {what}"
                );
            }
            Some(ExitCause::Hangup) => {
                return write!(f, "worker {pid} was killed because it closed its socket");
            }
            Some(ExitCause::Memory(limit)) => {
                return write!(
                    f,
                    "worker {pid} was killed because it used more than {limit} bytes of memory"
                );
            }
            None => {}
        }
        match (code, signal) {
            (_, Some(signal)) => match signal_name(*signal) {
                Some(name) => write!(f, "worker {pid} was killed by signal {signal} ({name})"),
                None => write!(f, "worker {pid} was killed by signal {signal}"),
            },
            (Some(code), None) => write!(f, "worker {pid} exited with code {code}"),
            (None, None) => write!(f, "worker {pid} ended"),
        }
    }
}

impl std::error::Error for WorkerExit {}

/// Returns the name of a signal that ends processes, by `signal(7)`. Of these numbers, only that of
/// `SIGBUS` differs between the Linux architectures of Rust's standard library: on MIPS.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        #[cfg(not(any(target_arch = "mips", target_arch = "mips64")))]
        7 => "SIGBUS",
        _ => return None,
    })
}
