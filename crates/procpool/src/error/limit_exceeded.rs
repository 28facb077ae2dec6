//! A limit of the machine's means.

use std::fmt;
use std::time::Duration;

use crate::error::WorkerExit;

/// The task used more than it may. Its worker has been replaced; it is not retried.
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

    /// The CPU time that the task was allowed, if it is that which it exceeded.
    #[must_use]
    pub fn cpu_time_limit(&self) -> Option<Duration> {
        match self.limit {
            Limit::CpuTime(limit) => Some(limit),
            Limit::Memory(_) => None,
        }
    }

    /// The bytes that the task was allowed, if it is those which it exceeded.
    #[must_use]
    pub fn memory_limit(&self) -> Option<u64> {
        match self.limit {
            Limit::Memory(limit) => Some(limit),
            Limit::CpuTime(_) => None,
        }
    }

    /// How the worker ended by it.
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
