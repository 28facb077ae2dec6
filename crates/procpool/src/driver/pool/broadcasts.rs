//! The calls that every worker of a pool runs once.

use std::collections::HashMap;

use futures_channel::oneshot;
use procpool_scheduler::BroadcastId;
use procpool_wire::Preparation;

use crate::driver::pool::effects::WaiterReply;
use crate::driver::transport::link::Link;
use crate::task::call::EncodedCall;

/// The calls that a new worker must run, in order, and the callers that wait until the present workers have run them.
#[derive(Debug)]
pub(crate) struct Broadcasts {
    /// The calls without an id are those of the builder.
    kept: Vec<(Option<BroadcastId>, EncodedCall)>,
    waiters: HashMap<BroadcastId, oneshot::Sender<WaiterReply>>,
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
        waiter: oneshot::Sender<WaiterReply>,
    ) {
        self.kept.push((Some(id), call));
        self.waiters.insert(id, waiter);
    }

    /// Sends the call to a worker that is ready.
    pub(crate) fn push(&self, id: BroadcastId, link: &Link) {
        let mut kept = self.kept.iter();
        if let Some((_, call)) = kept.find(|(kept, _)| *kept == Some(id)) {
            let [entry, function] = call.offsets.to_words();
            link.push_broadcast(&Preparation {
                entry,
                function,
                args: call.args.clone(),
            });
        }
    }

    /// Returns the calls that a new worker must run.
    pub(crate) fn all(&self) -> Vec<EncodedCall> {
        self.kept.iter().map(|(_, call)| call.clone()).collect()
    }

    /// Handles that every present worker has run the call. Returns the waiting caller.
    pub(crate) fn finish(&mut self, id: BroadcastId) -> Option<oneshot::Sender<WaiterReply>> {
        self.waiters.remove(&id)
    }

    /// Removes a call that has failed, so that later workers do not run it. Returns the call and the waiting caller.
    pub(crate) fn forget(
        &mut self,
        id: BroadcastId,
    ) -> (Option<EncodedCall>, Option<oneshot::Sender<WaiterReply>>) {
        let at = self.kept.iter().position(|(kept, _)| *kept == Some(id));
        let call = at.map(|at| self.kept.remove(at).1);
        (call, self.waiters.remove(&id))
    }
}
