//! Tasks that wait behind one that takes long.
//!
//! A task is sent ahead because the one before it was expected to be short. If that proves wrong, others that
//! came later would go before those that wait behind it, as long as the queue is not empty; and once it is,
//! [`rebalance`](Scheduler::rebalance) moves them one at a time.

use std::time::{Duration, Instant};

use super::Scheduler;
use crate::worker::Stage;

/// How long a worker may run what it runs until what waits behind is taken back. Time that others take from its
/// process counts too, so it is more than a turn of theirs.
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
        for place in self.fleet.places() {
            let worker = &self.fleet[place];
            let is_late = worker.stage == Stage::Ready
                && worker.in_flight.len() > 1
                && now.saturating_duration_since(worker.head_since) > PATIENCE;
            if is_late {
                self.displace(now, place, worker.in_flight.front().copied());
            }
        }
    }
}
