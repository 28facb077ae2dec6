//! Callers that wait for room, for a warm pool, or for a broadcast.

use std::time::Instant;

use futures_channel::oneshot;
use procpool_scheduler::{BroadcastId, Cold, ReservationId, Unspread, WarmUpId, WorkerId};
use procpool_wire::Refusal;

use super::pool_state::State;
use crate::driver::pool::effects::WaiterReply;
use crate::error::{TaskError, WorkerStartError};
use crate::task::call::EncodedCall;

impl State {
    /// A worker has run a broadcast, or sends the reason why that failed.
    pub(crate) fn handle_briefed(
        &mut self,
        now: Instant,
        worker: WorkerId,
        refusal: Option<Refusal>,
    ) {
        let ran = refusal.is_none();
        self.refusal = refusal;
        let was_given = self.scheduler.handle_briefed(now, worker, ran);
        self.perform(now);
        self.refusal = None;
        if !was_given {
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

    pub(super) fn brief(&mut self, worker: WorkerId, broadcast: BroadcastId) {
        if let Some(link) = self.link(worker).cloned() {
            self.broadcasts.push(broadcast, &link);
            self.effects.flush(&link);
        }
    }

    pub(super) fn spread(&mut self, broadcast: BroadcastId, trouble: Option<Unspread>) {
        let (waiter, told) = match trouble {
            None => (self.broadcasts.spread(broadcast), Ok(())),
            Some(why) => {
                let error = self.unspread(why);
                let (call, waiter) = self.broadcasts.forget(broadcast);
                if let Some(call) = call {
                    self.effects.release(call.args);
                }
                (waiter, Err(error))
            }
        };
        self.tell(waiter, told);
    }

    fn unspread(&self, why: Unspread) -> TaskError {
        TaskError::WorkerStart(match (why, &self.refusal) {
            (Unspread::Closed, _) => return TaskError::PoolClosed,
            (Unspread::Refused { .. }, Some(refusal)) => WorkerStartError::refused(refusal.clone()),
            (Unspread::TooSlow { .. }, _) => WorkerStartError::timed_out(self.startup_timeout),
            (Unspread::Died { .. } | Unspread::Refused { .. }, _) => self.start_error(),
        })
    }

    pub(super) fn warmed(&mut self, warm_up: WarmUpId, trouble: Option<Cold>) {
        let told = match trouble {
            None => Ok(()),
            Some(Cold::StartFailed { .. }) => Err(TaskError::WorkerStart(self.start_error())),
            Some(Cold::Closed) => Err(TaskError::PoolClosed),
        };
        let waiter = self.warm_ups.remove(&warm_up);
        self.tell(waiter, told);
    }

    fn tell(&mut self, waiter: Option<oneshot::Sender<WaiterReply>>, told: WaiterReply) {
        let told = waiter.map(|waiter| (waiter, told));
        self.effects.tell.extend(told);
    }
}
