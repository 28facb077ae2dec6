//! The driver's part of a task. The scheduler stores it and does not read it.

use std::sync::Arc;

use procpool_wire::{Limits, Payload};

use crate::driver::maps::chunk::{Chunk, ChunkCall};
use crate::task::call::EncodedCall;
use crate::task::cell::TaskCell;
use crate::task::task_id::TaskId;

/// One task: the call, its limits, and the destination of its result.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) call: EncodedCall,
    /// Boxed, since few tasks have limits and very many tasks may wait.
    limits: Option<Box<Limits>>,
    pub(crate) sink: Sink,
}

impl Job {
    #[inline]
    pub(crate) fn new(call: EncodedCall, limits: Limits, sink: Sink) -> Self {
        Job {
            call,
            limits: (limits != Limits::default()).then(|| Box::new(limits)),
            sink,
        }
    }

    /// A chunk of a map, whose items are not in the call.
    pub(crate) fn of_chunk(chunk: &Arc<Chunk>) -> Self {
        let ChunkCall {
            offsets, limits, ..
        } = *chunk.call();
        let args = Payload::default();
        let call = EncodedCall { offsets, args };
        Job::new(call, limits, Sink::Chunk(Arc::clone(chunk)))
    }

    /// The task's id for its user. An item of a chunk gets one when it is needed.
    pub(crate) fn id(&self) -> TaskId {
        match &self.sink {
            Sink::Cell(cell) => cell.id(),
            Sink::Chunk(_) => TaskId::next(),
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits.as_deref().copied().unwrap_or_default()
    }
}

/// The destination of a task's result.
#[derive(Debug)]
pub(crate) enum Sink {
    /// The task is one call.
    Cell(Arc<TaskCell>),
    /// The task is a chunk of a map, which has the items.
    Chunk(Arc<Chunk>),
}

#[cfg(test)]
mod tests {
    use procpool_scheduler::Scheduler;

    use super::*;
    use crate::task::cell::TaskCell;
    use crate::task::future::Task;

    /// Very many tasks may wait. These are the parts of one on a 64-bit machine; its place in the queue takes 8
    /// bytes more.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_task_that_waits_takes_no_more_than_300_bytes() {
        const COUNTS_OF_ARC: usize = 16;
        let entry = Scheduler::<Job>::TASK_BYTES;
        let cell = size_of::<TaskCell>() + COUNTS_OF_ARC;
        let handle = size_of::<Task<u64>>();
        let all = entry + cell + handle + 8;
        assert!(
            all <= 300,
            "entry {entry}, cell {cell}, handle {handle}: {all}"
        );
    }
}
