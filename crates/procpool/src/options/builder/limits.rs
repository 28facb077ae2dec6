//! What workers and tasks may use.

use std::path::Path;
use std::time::Duration;

use super::Builder;

impl<S> Builder<S> {
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
        self.options.limits.memory = Some(bytes);
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
        self.options.limits.cgroup = Some(directory.as_ref().to_owned());
        self
    }

    /// How much CPU time each task may use that has no
    /// [limit of its own](crate::TaskOptions::cpu_time_limit). By default there is no limit.
    pub fn cpu_time_limit(mut self, limit: Duration) -> Self {
        self.options.limits.cpu_time = Some(limit);
        self
    }
}
