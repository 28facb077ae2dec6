//! What every worker of a pool runs once.

use std::collections::HashMap;

use futures_channel::oneshot;
use procpool_scheduler::BroadcastId;
use procpool_wire::Broadcast;

use crate::driver::pool::effects::Told;
use crate::driver::transport::link::Link;
use crate::task::call::EncodedCall;

/// All that a new worker must run, in order, and who waits until the present ones have.
#[derive(Debug)]
pub(crate) struct Broadcasts {
    /// Without a number: known since the pool was built.
    kept: Vec<(Option<BroadcastId>, EncodedCall)>,
    waiters: HashMap<BroadcastId, oneshot::Sender<Told>>,
}

impl Broadcasts {
    pub(crate) fn new(calls: Vec<EncodedCall>) -> Self {
        Broadcasts {
            kept: calls.into_iter().map(|call| (None, call)).collect(),
            waiters: HashMap::new(),
        }
    }

    pub(crate) fn add(
        &mut self,
        id: BroadcastId,
        call: EncodedCall,
        waiter: oneshot::Sender<Told>,
    ) {
        self.kept.push((Some(id), call));
        self.waiters.insert(id, waiter);
    }

    /// Has a worker that is ready run it.
    pub(crate) fn push(&self, id: BroadcastId, link: &Link) {
        let mut kept = self.kept.iter();
        if let Some((_, call)) = kept.find(|(kept, _)| *kept == Some(id)) {
            link.push_broadcast(&Broadcast {
                entry: call.offsets.entry,
                function: call.offsets.function,
                args: call.args.clone(),
            });
        }
    }

    /// What a worker that is spawned now must run.
    pub(crate) fn all(&self) -> Vec<EncodedCall> {
        self.kept.iter().map(|(_, call)| call.clone()).collect()
    }

    /// Every worker that was to run it has. Gives who waits for it.
    pub(crate) fn spread(&mut self, id: BroadcastId) -> Option<oneshot::Sender<Told>> {
        self.waiters.remove(&id)
    }

    /// It went wrong: no worker that comes later runs it. Gives who waits for it.
    pub(crate) fn forget(&mut self, id: BroadcastId) -> Option<oneshot::Sender<Told>> {
        self.kept.retain(|(kept, _)| *kept != Some(id));
        self.waiters.remove(&id)
    }
}
