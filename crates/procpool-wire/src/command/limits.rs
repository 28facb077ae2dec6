//! What a task may use.

use std::time::Duration;

/// What a task may use of its worker's machine; `None` for as much as there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// CPU time of all threads of the worker while the task runs.
    pub cpu_time: Option<Duration>,
    /// Bytes of data that the worker may have while the task runs.
    pub memory: Option<u64>,
}

impl Limits {
    /// The limits in a message: nanoseconds, then bytes. Zero stands for no limit, so a limit of zero is sent as one.
    #[inline]
    pub(crate) fn words(self) -> [u64; 2] {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1);
        let cpu_time = self.cpu_time.map_or(0, nanos);
        [cpu_time, self.memory.map_or(0, |bytes| bytes.max(1))]
    }

    #[inline]
    pub(crate) fn of_words([cpu_time, memory]: [u64; 2]) -> Self {
        Limits {
            cpu_time: (cpu_time > 0).then(|| Duration::from_nanos(cpu_time)),
            memory: (memory > 0).then_some(memory),
        }
    }
}
