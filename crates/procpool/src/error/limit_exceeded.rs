//! The error of a task that used too much CPU time or memory.

use std::fmt;
use std::time::Duration;

use crate::error::WorkerExit;

/// The task used more CPU time or memory than its limit. Its worker was killed and replaced.
///
/// Such a task is never [retried](crate::TaskOptions::retries).
#[derive(Debug, Clone)]
pub struct LimitExceeded {
    limit: Limit,
    exit: WorkerExit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    CpuTime(Duration),
    Memory(u64),
}

impl LimitExceeded {
    pub(crate) fn cpu_time(limit: Duration, exit: WorkerExit) -> Self {
        LimitExceeded {
            limit: Limit::CpuTime(limit),
            exit,
        }
    }

    pub(crate) fn memory(limit: u64, exit: WorkerExit) -> Self {
        LimitExceeded {
            limit: Limit::Memory(limit),
            exit,
        }
    }

    /// Returns the CPU time limit, if the task exceeded that one.
    #[must_use]
    pub fn cpu_time_limit(&self) -> Option<Duration> {
        match self.limit {
            Limit::CpuTime(limit) => Some(limit),
            Limit::Memory(_) => None,
        }
    }

    /// Returns the memory limit in bytes, if the task exceeded that one.
    #[must_use]
    pub fn memory_limit(&self) -> Option<u64> {
        match self.limit {
            Limit::Memory(limit) => Some(limit),
            Limit::CpuTime(_) => None,
        }
    }

    /// Returns how the worker ended.
    #[must_use]
    pub fn exit(&self) -> &WorkerExit {
        &self.exit
    }
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Limit::CpuTime(limit) => write!(f, "the task used more than {limit:?} of CPU time"),
            Limit::Memory(limit) => write!(f, "the task used more than {limit} bytes of memory"),
        }
    }
}

impl std::error::Error for LimitExceeded {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.exit)
    }
}
