//! Callers that wait for room, for a warm pool, or for a broadcast.

use std::time::Instant;

use futures_channel::oneshot;
use procpool_scheduler::{
    BroadcastError, BroadcastId, ReservationId, WarmUpError, WarmUpId, WorkerId,
};
use procpool_wire::Refusal;

use super::pool_state::State;
use crate::driver::pool::effects::WaiterReply;
use crate::error::{TaskError, WorkerStartError};
use crate::task::call::EncodedCall;

impl State {
    /// Handles that a worker has run a broadcast, or the reason why the broadcast failed.
    pub(crate) fn handle_broadcast_ended(
        &mut self,
        now: Instant,
        worker: WorkerId,
        refusal: Option<Refusal>,
    ) {
        let ran = refusal.is_none();
        self.refusal = refusal;
        let was_sent = self.scheduler.handle_broadcast_ended(now, worker, ran);
        self.perform(now);
        self.refusal = None;
        if !was_sent {
            self.handle_faulty(now, worker, "it answered a broadcast that it was not given");
        }
    }

    /// The calls that a worker must run before it is ready.
    pub(crate) fn broadcasts(&self, worker: WorkerId) -> Vec<EncodedCall> {
        let entry = self.workers.get(&worker);
        entry.map_or_else(Vec::new, |entry| entry.broadcasts.clone())
    }

    pub(super) fn grant(&mut self, reservation: ReservationId) {
        self.effects.grant.extend(self.waiters.remove(&reservation));
    }

    pub(super) fn deny(&mut self, reservation: ReservationId) {
        self.effects.deny.extend(self.waiters.remove(&reservation));
    }

    pub(super) fn run_broadcast(&mut self, worker: WorkerId, broadcast: BroadcastId) {
        if let Some(link) = self.link(worker).cloned() {
            self.broadcasts.push(broadcast, &link);
            self.effects.flush(&link);
        }
    }

    pub(super) fn broadcast_ended(
        &mut self,
        broadcast: BroadcastId,
        failure: Option<BroadcastError>,
    ) {
        let (waiter, reply) = match failure {
            None => (self.broadcasts.finish(broadcast), Ok(())),
            Some(why) => {
                let error = self.broadcast_error(why);
                let (call, waiter) = self.broadcasts.forget(broadcast);
                if let Some(call) = call {
                    self.effects.release(call.args);
                }
                (waiter, Err(error))
            }
        };
        self.answer(waiter, reply);
    }

    fn broadcast_error(&self, why: BroadcastError) -> TaskError {
        TaskError::WorkerStart(match (why, &self.refusal) {
            (BroadcastError::Closed, _) => return TaskError::PoolClosed,
            (BroadcastError::Refused { .. }, Some(refusal)) => {
                WorkerStartError::refused(refusal.clone())
            }
            (BroadcastError::TooSlow { .. }, _) => {
                WorkerStartError::timed_out(self.startup_timeout)
            }
            (BroadcastError::Died { .. } | BroadcastError::Refused { .. }, _) => self.start_error(),
        })
    }

    pub(super) fn warmed(&mut self, warm_up: WarmUpId, failure: Option<WarmUpError>) {
        let reply = match failure {
            None => Ok(()),
            Some(WarmUpError::StartFailed { .. }) => {
                Err(TaskError::WorkerStart(self.start_error()))
            }
            Some(WarmUpError::Closed) => Err(TaskError::PoolClosed),
        };
        let waiter = self.warm_ups.remove(&warm_up);
        self.answer(waiter, reply);
    }

    fn answer(&mut self, waiter: Option<oneshot::Sender<WaiterReply>>, reply: WaiterReply) {
        let reply = waiter.map(|waiter| (waiter, reply));
        self.effects.replies.extend(reply);
    }
}
