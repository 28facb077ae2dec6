//! What the scheduler keeps for the driver with each task, unseen.

use std::sync::Arc;

use procpool_wire::Limits;

use crate::call::EncodedCall;
use crate::cell::TaskCell;
use crate::driver::chunk::Chunk;
use crate::task_id::TaskId;

/// One task: what to call, within which limits, and where the end goes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: TaskId,
    pub(crate) call: EncodedCall,
    pub(crate) limits: Limits,
    pub(crate) sink: Sink,
}

/// Where what comes of a task goes.
#[derive(Debug)]
pub(crate) enum Sink {
    /// It is one call.
    Cell(Arc<TaskCell>),
    /// It is a chunk of a map, whose items are not in the call.
    Chunk(Arc<Chunk>),
}
