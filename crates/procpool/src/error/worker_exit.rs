//! The death of a worker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::task::task_id::TaskId;

/// The death of the worker that ran the task.
#[derive(Debug, Clone)]
pub struct WorkerExit {
    exit: Arc<Inner>,
    task: Option<TaskId>,
    attempts: u32,
    /// It said that an allocation had failed.
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

/// Why the pool itself put an end to a worker.
#[derive(Debug, Clone)]
pub(crate) enum ExitCause {
    /// It closed its socket and lived on.
    Hangup,
    /// It had more memory than this limit.
    Memory(u64),
    /// It sent what no worker sends.
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

    /// The worker's process id. It may by now belong to another process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.exit.pid
    }

    /// The code it exited with; `None` if a signal killed it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.exit.code
    }

    /// The signal that killed it, as in `signal(7)`; `None` if it exited by itself.
    ///
    /// 6 is an abort, 11 an invalid access, and 9 without anybody's doing most often the kernel's
    /// answer to a lack of memory.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.exit.signal
    }

    /// The last 8 KiB that it wrote to its standard error, from a whole line on where there is one;
    /// empty if its standard error doesn't pass through this process
    /// ([`WorkerOutput`](crate::WorkerOutput)).
    #[must_use]
    pub fn stderr_tail(&self) -> &str {
        &self.exit.stderr_tail
    }

    /// The task that it ran; `None` for a worker that died before it was ready.
    #[must_use]
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// How many workers died of this task: more than one if it was
    /// [retried](crate::TaskOptions::retries). This is the last of them.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long the worker had lived, from its spawn to its end.
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
            deaths => write!(f, ", the last of {deaths} that died of the task"),
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
                    "worker {pid} was killed since it broke the protocol: {what}"
                );
            }
            Some(ExitCause::Hangup) => {
                return write!(f, "worker {pid} was killed since it closed its socket");
            }
            Some(ExitCause::Memory(limit)) => {
                return write!(
                    f,
                    "worker {pid} was killed since it had more than {limit} bytes of memory"
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

/// The names of the signals that end processes, by `signal(7)`; these numbers are the same on all
/// of Linux's architectures that Rust's standard library supports but MIPS, for `SIGBUS`.
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
