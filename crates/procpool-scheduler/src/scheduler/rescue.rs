//! Tasks that wait behind one that takes long.
//!
//! A task is sent ahead because the one before it was expected to be short. If that proves wrong, others that
//! came later would go before those that wait behind it, as long as the queue is not empty; and once it is,
//! [`rebalance`](Scheduler::rebalance) moves them one at a time.

use std::time::{Duration, Instant};

use super::Scheduler;
use crate::worker::Stage;

/// How long a worker may run what it runs until what waits behind is taken back, where it need not take turns with others of the
/// pool. Time that processes of someone else's take from it counts too, so it is more than a turn of theirs.
const PATIENCE: Duration = Duration::from_millis(5);

/// Between two searches for such workers.
const PAUSE: Duration = Duration::from_millis(1);

impl<P> Scheduler<P> {
    /// Takes back what waits at workers that are late, to where it was in the queue.
    ///
    /// This needs no timer: while nothing happens at any other worker, nobody else goes before.
    pub(super) fn rescue(&mut self, now: Instant) {
        if self.queue.is_empty() || self.fleet.ahead == 0 || self.fleet.ready() < 2 {
            return;
        }
        if self.rescued.is_some_and(|last| now < last + PAUSE) {
            return;
        }
        self.rescued = Some(now);
        let patience = self.patience();
        for place in self.fleet.places() {
            let worker = &self.fleet[place];
            let is_late = worker.stage == Stage::Ready
                && worker.in_flight.len() > 1
                && now.saturating_duration_since(worker.head_since) > patience;
            if is_late {
                self.displace(now, place, worker.in_flight.front().copied());
            }
        }
    }

    /// As many workers as share a processor have a turn, before it is one's own again. Were that called late, what waits
    /// would be taken from each to the next and back, and none is sooner.
    fn patience(&self) -> Duration {
        let sharers = self.fleet.busy.div_ceil(self.config.processors.max(1));
        PATIENCE.saturating_mul(u32::try_from(sharers).unwrap_or(u32::MAX).max(1))
    }
}
