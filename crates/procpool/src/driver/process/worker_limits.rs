//! The limits of a pool's workers, and how an exit shows that one was exceeded.

use std::path::PathBuf;
use std::time::Duration;

use procpool_wire::Limits;

use crate::error::{ExitCause, LimitExceeded, WorkerExit};
use crate::options::task_options::TaskOptions;
use crate::output::Tail;

/// `signal(7)`: the signal of a process that gave itself up.
const SIGABRT: i32 = 6;

/// `signal(7)` and `timer_create(2)`: the signal of a process that has used up its CPU time.
const SIGXCPU: i32 = 24;

/// The messages that Rust's and C++'s standard libraries write to stderr when an allocation fails.
const OUT_OF_MEMORY: [&str; 2] = ["memory allocation of ", "std::bad_alloc"];

/// Whether a worker's stderr has a message that an allocation failed.
pub(crate) fn tells_of_memory(stderr: &Tail) -> bool {
    stderr.says(&OUT_OF_MEMORY)
}

/// The limits that a pool sets to its workers.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkerLimits {
    /// CPU time of a task that has no limit of its own.
    pub(crate) cpu_time: Option<Duration>,
    /// Bytes of data of a worker.
    pub(crate) memory: Option<u64>,
    /// The control group that may be divided among workers. It limits the memory, where there is one.
    pub(crate) cgroup: Option<PathBuf>,
    /// Bytes that a worker may have more than when it was new.
    pub(crate) growth: Option<u64>,
}

impl WorkerLimits {
    /// The memory limit that a worker must set for itself, if there is no control group that has it.
    pub(crate) fn own_memory(&self) -> Option<u64> {
        self.memory.filter(|_| self.cgroup.is_none())
    }

    /// The limits of a task with these options.
    pub(crate) fn of_task(&self, options: &TaskOptions) -> Limits {
        Limits {
            cpu_time: options.cpu_time_limit.or(self.cpu_time),
            memory: options.memory_limit,
        }
    }

    /// The limit of a task that its worker has exceeded, as far as the exit shows.
    pub(crate) fn exceeded(&self, task: Limits, exit: &WorkerExit) -> Option<LimitExceeded> {
        if let Some(ExitCause::Memory(limit)) = exit.cause() {
            return Some(LimitExceeded::memory(*limit, exit.clone()));
        }
        if let (Some(limit), Some(SIGXCPU)) = (task.cpu_time, exit.signal()) {
            return Some(LimitExceeded::cpu_time(limit, exit.clone()));
        }
        let memory = [task.memory, self.memory].into_iter().flatten().min()?;
        // The kernel only refuses memory. The program then aborts with a message.
        let aborted = exit.signal() == Some(SIGABRT);
        (aborted && exit.is_out_of_memory()).then(|| LimitExceeded::memory(memory, exit.clone()))
    }
}
