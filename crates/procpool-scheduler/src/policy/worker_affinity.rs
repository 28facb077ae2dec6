//! Which task prefers which worker, and for how long.

use std::time::{Duration, Instant};

use crate::id::{AffinityKey, TaskId};
use crate::policy::run_time::{FunctionIndex, nanos};
use crate::state::deadlines::Due;
use crate::state::scheduler::Scheduler;

impl<P> Scheduler<P> {
    /// The worker that had the key last, if it is idle, or will soon be done and the task is short.
    pub(crate) fn worker_with_affinity(
        &self,
        now: Instant,
        function: FunctionIndex,
        key: AffinityKey,
    ) -> Option<usize> {
        let home = self.affinities.home(key)?;
        let worker = self.fleet.ready_at(home.place, home.worker)?;
        if self.has_too_many_busy() {
            return None;
        }
        if worker.flight.tasks.is_empty() {
            // A worker that left its last task unclaimed may still be asleep, or stuck.
            let is_awake = worker.ready().is_some_and(|ready| ready.silent.is_zero());
            let is_idle = worker.broadcasts.is_empty() && is_awake;
            return (self.may_use_another_worker() && is_idle).then_some(home.place);
        }
        let expected = self.run_times.expected(function)?;
        let most = nanos(self.config.send_ahead);
        let has_room = self.fleet.has_room(now, home.place, expected, most);
        has_room.then_some(home.place)
    }

    /// Whether a prefetched task waits for the worker that it prefers, and has not waited longer than it may while others
    /// are idle.
    pub(crate) fn waits_by_affinity(&self, now: Instant, place: usize, id: TaskId) -> bool {
        let key = self.tasks.get(id).and_then(|task| task.affinity());
        let home = key.and_then(|key| self.affinities.home(key));
        home.is_some_and(|home| home.place == place && home.worker == self.fleet[place].id)
            && self
                .fleet
                .is_on_time(now, place, nanos(self.config.send_ahead))
    }

    /// No input tells that a worker is late, so a timer does.
    pub(crate) fn look_at_affinities_again(&mut self, now: Instant) {
        if self.affinity_look.is_none() {
            let late = self
                .config
                .send_ahead
                .saturating_add(Duration::from_nanos(1));
            self.affinity_look = self.deadlines.arm(now, late, Due::Affinities);
        }
    }
}
