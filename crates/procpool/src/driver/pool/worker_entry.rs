//! One worker, as the pool's state knows it.

use std::sync::Arc;

use procpool_os::ControlPage;
use procpool_scheduler::TaskId;
use procpool_wire::Ticket;

use crate::driver::maps::chunk::Chunk;
use crate::driver::process::kill_switch::KillSwitch;
use crate::driver::transport::link::Link;
use crate::error::ExitCause;
use crate::soon::Speaker;
use crate::task::call::EncodedCall;

/// One worker, from the decision to spawn it until it is reaped.
#[derive(Debug)]
pub(crate) struct WorkerEntry {
    pub(crate) switch: Arc<KillSwitch>,
    /// `None` until something can be sent to the worker.
    pub(crate) link: Option<Arc<Link>>,
    /// Reads the worker's events; `None` until the worker is ready.
    pub(crate) speaker: Option<Arc<dyn Speaker>>,
    /// Why the pool has killed it.
    pub(crate) fault: Option<ExitCause>,
    /// The calls that it must run before it is ready.
    pub(crate) broadcasts: Vec<EncodedCall>,
    /// The dispatch in each slot of the control page, up to the last slot that was ever used.
    dispatched: Vec<Option<Dispatched>>,
    /// The slot of the chunk whose results it sends now.
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
            speaker: None,
            fault: None,
            broadcasts,
            dispatched: Vec::new(),
            opened: None,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.speaker.is_some()
    }

    pub(crate) fn dispatch(&mut self, ticket: Ticket, task: TaskId, chunk: Option<Arc<Chunk>>) {
        let slot = usize::from(ticket.slot);
        // The lowest slots are used first.
        if self.dispatched.len() <= slot && slot < ControlPage::SLOTS {
            self.dispatched.resize_with(slot + 1, || None);
        }
        if let Some(place) = self.dispatched.get_mut(slot) {
            let number = ticket.number;
            *place = Some(Dispatched {
                number,
                task,
                chunk,
            });
        }
    }

    /// The chunk that was sent by this dispatch, until the worker is done with it.
    pub(crate) fn chunk(&self, ticket: Ticket) -> Option<&Arc<Chunk>> {
        let slot = self.dispatched.get(usize::from(ticket.slot))?;
        let sent = slot.as_ref().filter(|sent| sent.number == ticket.number);
        sent?.chunk.as_ref()
    }

    /// Whether results of this chunk are missing, if its worker claims to be done.
    pub(crate) fn breaks_off(&self, ticket: Ticket) -> bool {
        self.chunk(ticket)
            .is_some_and(|chunk| !chunk.is_stream() && !chunk.is_received())
    }

    /// The worker sends results of this chunk from now on. False if it does not have it, or sends those of another.
    pub(crate) fn open(&mut self, ticket: Ticket) -> bool {
        let may = self.opened.is_none() && self.chunk(ticket).is_some();
        if may {
            self.opened = Some(ticket.slot);
        }
        may
    }

    /// The chunk whose results it sends now.
    pub(crate) fn opened(&self) -> Option<&Arc<Chunk>> {
        let slot = self.dispatched.get(usize::from(self.opened?))?;
        slot.as_ref()?.chunk.as_ref()
    }

    /// The chunks that the worker has.
    pub(crate) fn held(&self) -> Vec<(Ticket, TaskId, Arc<Chunk>)> {
        let held = (0_u16..).zip(&self.dispatched).filter_map(|(slot, sent)| {
            let sent = sent.as_ref()?;
            let number = sent.number;
            let ticket = Ticket { slot, number };
            Some((ticket, sent.task, Arc::clone(sent.chunk.as_ref()?)))
        });
        held.collect()
    }

    /// The tasks that this worker has not answered.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.dispatched.iter().flatten().map(|sent| sent.task)
    }

    /// The task of a ticket, which is used up by this. `None` for a ticket that was never given to
    /// this worker, or was already used up: an answer to it breaks the protocol.
    pub(crate) fn complete_dispatch(&mut self, ticket: Ticket) -> Option<TaskId> {
        let sent = self
            .dispatched
            .get_mut(usize::from(ticket.slot))?
            .take_if(|sent| sent.number == ticket.number)?;
        if self.opened == Some(ticket.slot) {
            self.opened = None;
        }
        Some(sent.task)
    }
}
