//! Who prefers which worker, and for how long.

use std::time::{Duration, Instant};

use crate::id::{AffinityKey, TaskId};
use crate::policy::run_time::{FunctionIndex, nanos};
use crate::state::deadlines::Due;
use crate::state::scheduler::Scheduler;

impl<P> Scheduler<P> {
    /// The worker that had the key last, if it is idle, or soon done and the task is short.
    pub(crate) fn home_with_room(
        &self,
        now: Instant,
        function: FunctionIndex,
        key: AffinityKey,
    ) -> Option<usize> {
        let home = self.affinities.home(key)?;
        let worker = self.fleet.ready_at(home.place, home.worker)?;
        if self.fleet.busy > self.config.max_workers {
            return None;
        }
        if worker.in_flight.is_empty() {
            let may_work = self.may_another_work();
            // One that left its last task unclaimed may still be asleep, or stuck.
            let is_idle = worker.briefings.is_empty() && worker.silent.is_zero();
            return (may_work && is_idle).then_some(home.place);
        }
        let expected = self.history.expected(function)?;
        let most = nanos(self.config.send_ahead);
        let has_room = self.fleet.has_room(now, home.place, expected, most);
        has_room.then_some(home.place)
    }

    /// Whether a task that was sent ahead waits for the worker that it prefers, and has not waited longer than
    /// it may while others are idle.
    pub(crate) fn is_at_home(&self, now: Instant, place: usize, id: TaskId) -> bool {
        let key = self.tasks.get(id).and_then(|task| task.affinity());
        let home = key.and_then(|key| self.affinities.home(key));
        home.is_some_and(|home| home.place == place && home.worker == self.fleet[place].id)
            && self
                .fleet
                .is_on_time(now, place, nanos(self.config.send_ahead))
    }

    /// Nobody reports that a worker is late, so that has to be looked for.
    pub(crate) fn look_again(&mut self, now: Instant) {
        if self.spread.is_none() {
            let late = self
                .config
                .send_ahead
                .saturating_add(Duration::from_nanos(1));
            self.spread = self.deadlines.arm(now, late, Due::Spread);
        }
    }
}
