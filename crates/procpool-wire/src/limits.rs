//! What a task may use.

use std::time::Duration;

use bytes::BufMut;

use crate::MessageError;
use crate::fields::{Body, Fields};

/// What a task may use of its worker's machine; `None` for as much as there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// CPU time of all threads of the worker while the task runs.
    pub cpu_time: Option<Duration>,
    /// Bytes of data that the worker may have while the task runs.
    pub memory: Option<u64>,
}

impl Limits {
    /// Bytes of the limits in a message.
    pub const LEN: usize = 16;

    /// Zero stands for no limit: no task does anything with nothing.
    #[inline]
    pub(crate) fn words(self) -> [u64; 2] {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1);
        let cpu_time = self.cpu_time.map_or(0, nanos);
        [cpu_time, self.memory.map_or(0, |bytes| bytes.max(1))]
    }

    #[inline]
    pub(crate) fn encode(self, out: &mut impl BufMut) {
        for word in self.words() {
            out.put_u64_le(word);
        }
    }

    #[inline]
    pub(crate) fn decode<B: Body>(fields: &mut Fields<B>) -> Result<Self, MessageError> {
        let some = |number: u64| (number > 0).then_some(number);
        let cpu_time = some(fields.u64()?).map(Duration::from_nanos);
        let memory = some(fields.u64()?);
        Ok(Limits { cpu_time, memory })
    }
}
