//! What the scheduler keeps for the driver with each task, unseen.

use std::sync::Arc;

use procpool_wire::Limits;

use crate::driver::maps::chunk::Chunk;
use crate::task::call::EncodedCall;
use crate::task::cell::TaskCell;
use crate::task::task_id::TaskId;

/// One task: what to call, within which limits, and where the end goes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) call: EncodedCall,
    /// Few tasks have any, and very many may wait.
    limits: Option<Box<Limits>>,
    pub(crate) sink: Sink,
}

impl Job {
    pub(crate) fn new(call: EncodedCall, limits: Limits, sink: Sink) -> Self {
        Job {
            call,
            limits: (limits != Limits::default()).then(|| Box::new(limits)),
            sink,
        }
    }

    /// The task's name for its user; an item of a chunk is given one when there is a need of it.
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

/// Where what comes of a task goes.
#[derive(Debug)]
pub(crate) enum Sink {
    /// It is one call.
    Cell(Arc<TaskCell>),
    /// It is a chunk of a map, whose items are not in the call.
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
