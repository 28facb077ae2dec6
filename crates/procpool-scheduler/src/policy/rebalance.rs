//! Work for a worker that has become idle while others have tasks that they have not started.

use std::time::Instant;

use crate::id::TaskId;
use crate::state::scheduler::Scheduler;
use crate::state::task::{Part, RevokeReason};
use crate::state::worker::Worker;

impl<P> Scheduler<P> {
    /// Moves a prefetched task to an idle worker, or splits a task of several items for it.
    ///
    /// One task at a time: the driver's answer settles the pool again. This ends, because a task that is revoked
    /// becomes the first of a worker, and one that has begun is never asked for again.
    pub(crate) fn rebalance(&mut self, now: Instant) {
        let has_idle = self.fleet.idle() > 0 && self.may_use_another_worker();
        let has_movable = self.fleet.prefetched > 0 || self.tasks_with_items > 0;
        if !has_movable || !has_idle || !self.queue.is_empty() {
            return;
        }
        let unclaimed = |id: TaskId| {
            let sent = self.dispatches.of(self.tasks.get(id))?;
            (!sent.is_claimed).then_some(id)
        };
        let waiting = self.fleet.ready_workers().filter_map(|(place, worker)| {
            let last = *worker.flight.tasks.back()?;
            let id = (worker.flight.tasks.len() > 1).then(|| unclaimed(last))??;
            Some((place, worker.flight.load, id))
        });
        let mut waits_by_affinity = false;
        let movable = waiting.filter(|&(place, _, id)| {
            let waits = self.waits_by_affinity(now, place, id);
            waits_by_affinity |= waits;
            !waits
        });
        if let Some((_, _, id)) = movable.max_by_key(|&(_, load, _)| load) {
            self.revoke(now, id, RevokeReason::Rebalance);
        } else if waits_by_affinity {
            self.look_at_affinities_again(now);
        } else {
            self.split_for_idle_worker();
        }
    }

    /// Takes half of the items that have not begun from the worker with the most work, for an idle worker.
    ///
    /// This ends, because there are fewer items each time, and a task without such items is not asked again.
    fn split_for_idle_worker(&mut self) {
        let workers = self.fleet.ready_workers();
        let candidates = workers.filter_map(|(_, worker)| self.divisible_head(worker));
        if let Some((_, id)) = candidates.max_by_key(|&(expected, _)| expected) {
            self.ask_to_split(id, Part::Half);
        }
    }

    /// The first task of the worker, if it has items that another worker may run, and how long all of it is expected to
    /// take.
    pub(crate) fn divisible_head(&self, worker: &Worker) -> Option<(Option<u64>, TaskId)> {
        let id = *worker.flight.tasks.front()?;
        let task = self.tasks.get(id)?;
        let is_indivisible = task.details().is_some_and(|details| details.is_indivisible);
        let is_divisible = task.items > 1 && !is_indivisible && !task.is_resolved();
        let expected = self.run_times.expected_of(task.function, task.items);
        is_divisible.then_some((expected, id))
    }
}
