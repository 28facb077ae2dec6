//! What the driver knows of one worker.

use std::sync::Arc;

use procpool_os::ControlPage;
use procpool_scheduler::TaskId;
use procpool_wire::Ticket;

use crate::call::EncodedCall;
use crate::driver::kill_switch::KillSwitch;
use crate::driver::link::Link;
use crate::error::ExitCause;

/// One worker, from the decision to spawn it until it is reaped.
#[derive(Debug)]
pub(crate) struct WorkerEntry {
    pub(crate) switch: Arc<KillSwitch>,
    /// `None` until the worker is ready.
    pub(crate) link: Option<Arc<Link>>,
    /// Why the pool had to put an end to it.
    pub(crate) fault: Option<ExitCause>,
    /// What it must run before it is ready.
    pub(crate) broadcasts: Vec<EncodedCall>,
    /// Which dispatch each slot of the control page holds.
    dispatched: Vec<Option<(u64, TaskId)>>,
}

impl WorkerEntry {
    pub(crate) fn starting(broadcasts: Vec<EncodedCall>) -> Self {
        WorkerEntry {
            switch: Arc::default(),
            link: None,
            fault: None,
            broadcasts,
            dispatched: vec![None; ControlPage::SLOTS],
        }
    }

    pub(crate) fn dispatch(&mut self, ticket: Ticket, task: TaskId) {
        if let Some(slot) = self.dispatched.get_mut(usize::from(ticket.slot)) {
            *slot = Some((ticket.number, task));
        }
    }

    /// The ticket by which this worker has the task.
    pub(crate) fn ticket(&self, task: TaskId) -> Option<u64> {
        let dispatches = self.dispatched.iter().flatten();
        let mut tickets = dispatches.filter(|(_, other)| *other == task);
        tickets.next_back().map(|(number, _)| *number)
    }

    /// What this worker has and has not answered.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.dispatched.iter().flatten().map(|(_, task)| *task)
    }

    /// The task of a ticket, which is used up by this. `None` for a ticket that was never given to
    /// this worker, or was already used up: an answer to it breaks the protocol.
    pub(crate) fn redeem(&mut self, ticket: Ticket) -> Option<TaskId> {
        self.dispatched
            .get_mut(usize::from(ticket.slot))?
            .take_if(|(number, _)| *number == ticket.number)
            .map(|(_, task)| task)
    }
}
