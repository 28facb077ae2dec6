//! Limits of the memory and CPU time that workers and tasks may use.

use std::path::Path;
use std::time::Duration;

use super::Builder;

impl<S> Builder<S> {
    /// Limits the memory of each worker, in bytes; the least value is 8 MiB. By default there is no
    /// limit.
    ///
    /// A task that needs more gives [`TaskError::LimitExceeded`](crate::TaskError::LimitExceeded), and
    /// its worker is replaced. Two quantities are limited:
    /// - what the worker allocates, by `RLIMIT_DATA`, so that the allocation itself fails;
    /// - the worker's resident memory, including shared memory and mapped files, which is checked ten
    ///   times a second.
    ///
    /// A program that handles a failed allocation itself goes on. Otherwise it aborts, and the pool
    /// recognises this abort by the message of Rust's or C++'s standard library on stderr. With
    /// [`stderr`](Builder::stderr) set to `Inherit` or `Null` it can't, and the task gives
    /// [`TaskError::WorkerExited`](crate::TaskError::WorkerExited) with SIGABRT.
    ///
    /// With a [`cgroup`](Builder::cgroup), the kernel enforces the limit exactly.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = procpool::ProcessPool::builder().workers(1).memory_limit(256 << 20).build()?;
    /// let task = pool.run_in_process(|bytes: usize| vec![1_u8; bytes].len(), 1 << 30);
    /// assert!(task.await.unwrap_err().is_limit_exceeded());
    /// # Ok(()) }
    /// ```
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.options.limits.memory = Some(bytes);
        self
    }

    /// Puts each worker into a control group of its own below `directory` (`cgroups(7)`, version 2).
    /// By default workers are in the control group of this process.
    ///
    /// `directory` is a directory below `/sys/fs/cgroup` that
    /// - was delegated to this program,
    /// - contains no process, and
    /// - enables the memory controller for its children, if a
    ///   [`memory_limit`](Builder::memory_limit) is set.
    ///
    /// A worker joins its group before it does anything else. The kernel then enforces the memory
    /// limit exactly, for the worker and all of its descendants together. When the worker ends, all of
    /// its descendants are killed, including those that left its process group by `setsid(2)`.
    pub fn cgroup(mut self, directory: impl AsRef<Path>) -> Self {
        self.options.limits.cgroup = Some(directory.as_ref().to_owned());
        self
    }

    /// Limits the CPU time that each task may use. By default there is no limit.
    ///
    /// A task with a [limit of its own](crate::TaskOptions::cpu_time_limit) uses that one instead.
    pub fn cpu_time_limit(mut self, limit: Duration) -> Self {
        self.options.limits.cpu_time = Some(limit);
        self
    }
}
