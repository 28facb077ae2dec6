//! What the scheduler keeps for the driver with each task, unseen.

use std::sync::Arc;

use procpool_wire::Limits;

use crate::call::EncodedCall;
use crate::cell::TaskCell;
use crate::task_id::TaskId;

/// One task: what to call, within which limits, and where the end goes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: TaskId,
    pub(crate) cell: Arc<TaskCell>,
    pub(crate) call: EncodedCall,
    pub(crate) limits: Limits,
}
