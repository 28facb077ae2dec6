//! The entry of one worker in the pool's state.

use std::sync::Arc;

use procpool_os::ControlPage;
use procpool_scheduler::TaskId;
use procpool_wire::DispatchId;

use crate::driver::maps::chunk::Chunk;
use crate::driver::process::kill_switch::KillSwitch;
use crate::driver::transport::link::Link;
use crate::error::ExitCause;
use crate::spin_wait::ResultSource;
use crate::task::call::EncodedCall;

/// One worker, from the decision to spawn it until it is reaped.
#[derive(Debug)]
pub(crate) struct WorkerEntry {
    pub(crate) switch: Arc<KillSwitch>,
    /// `None` until the worker is ready.
    pub(crate) link: Option<Arc<Link>>,
    /// Reads the worker's events; `None` until the worker is ready.
    pub(crate) source: Option<Arc<dyn ResultSource>>,
    /// The fault for which the pool has killed the worker.
    pub(crate) fault: Option<ExitCause>,
    /// The calls that the worker must run before it is ready.
    pub(crate) broadcasts: Vec<EncodedCall>,
    /// The dispatch in each slot of the control page, up to the last slot that was ever used.
    dispatched: Vec<Option<Dispatched>>,
    /// The slot of the chunk to which the worker's next results belong.
    opened: Option<u16>,
}

/// A task that a worker was sent.
#[derive(Debug)]
struct Dispatched {
    number: u64,
    task: TaskId,
    /// `None` if the task is one call.
    chunk: Option<Arc<Chunk>>,
}

impl WorkerEntry {
    pub(crate) fn starting(broadcasts: Vec<EncodedCall>) -> Self {
        WorkerEntry {
            switch: Arc::default(),
            link: None,
            source: None,
            fault: None,
            broadcasts,
            dispatched: Vec::new(),
            opened: None,
        }
    }

    pub(crate) fn dispatch(
        &mut self,
        dispatch_id: DispatchId,
        task: TaskId,
        chunk: Option<Arc<Chunk>>,
    ) {
        let slot = usize::from(dispatch_id.slot);
        // The lowest slots are used first.
        if self.dispatched.len() <= slot && slot < ControlPage::SLOTS {
            self.dispatched.resize_with(slot + 1, || None);
        }
        if let Some(place) = self.dispatched.get_mut(slot) {
            let number = dispatch_id.number;
            *place = Some(Dispatched {
                number,
                task,
                chunk,
            });
        }
    }

    /// Returns the chunk of a dispatch that the worker has not finished.
    pub(crate) fn chunk(&self, dispatch_id: DispatchId) -> Option<&Arc<Chunk>> {
        let slot = self.dispatched.get(usize::from(dispatch_id.slot))?;
        let sent = slot
            .as_ref()
            .filter(|sent| sent.number == dispatch_id.number);
        sent?.chunk.as_ref()
    }

    /// Returns whether results of this chunk are missing although its worker says that the chunk has finished.
    pub(crate) fn breaks_off(&self, dispatch_id: DispatchId) -> bool {
        self.chunk(dispatch_id)
            .is_some_and(|chunk| !chunk.is_stream() && !chunk.is_received())
    }

    /// Records that the worker's next results belong to this chunk. Returns false if the worker does not have the chunk, or is still
    /// sending results of another one.
    pub(crate) fn open(&mut self, dispatch_id: DispatchId) -> bool {
        let may = self.opened.is_none() && self.chunk(dispatch_id).is_some();
        if may {
            self.opened = Some(dispatch_id.slot);
        }
        may
    }

    /// Returns the chunk to which the worker's next results belong.
    pub(crate) fn opened(&self) -> Option<&Arc<Chunk>> {
        let slot = self.dispatched.get(usize::from(self.opened?))?;
        slot.as_ref()?.chunk.as_ref()
    }

    /// Returns the chunks that the worker was sent and has not finished.
    pub(crate) fn held(&self) -> Vec<(DispatchId, TaskId, Arc<Chunk>)> {
        let held = (0_u16..).zip(&self.dispatched).filter_map(|(slot, sent)| {
            let sent = sent.as_ref()?;
            let number = sent.number;
            let dispatch_id = DispatchId { slot, number };
            Some((dispatch_id, sent.task, Arc::clone(sent.chunk.as_ref()?)))
        });
        held.collect()
    }

    /// Returns the tasks that the worker was sent and has not finished.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.dispatched.iter().flatten().map(|sent| sent.task)
    }

    /// Removes a dispatch and returns its task. Returns `None` if the worker was never sent this dispatch id, or has already finished it:
    /// then its result breaks the protocol.
    pub(crate) fn complete_dispatch(&mut self, dispatch_id: DispatchId) -> Option<TaskId> {
        let sent = self
            .dispatched
            .get_mut(usize::from(dispatch_id.slot))?
            .take_if(|sent| sent.number == dispatch_id.number)?;
        if self.opened == Some(dispatch_id.slot) {
            self.opened = None;
        }
        Some(sent.task)
    }
}
