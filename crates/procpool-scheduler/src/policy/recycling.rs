//! When a worker is replaced because it is old, has grown, or has run many tasks.
//!
//! Its replacement is started first. When that is ready, the worker takes no more tasks, and stops once it has finished
//! those that it has.

use std::time::{Duration, Instant};

use crate::id::WorkerId;
use crate::policy::tuning::{AGE_STEP, REPLACED_AT_ONCE, SPREAD_STEPS, TASK_LIMIT_STEP};
use crate::state::life::Recycling;
use crate::state::scheduler::{Phase, Scheduler};

impl<P> Scheduler<P> {
    /// How many tasks the worker may run. Each worker has a limit of its own, down to about half of the chosen one.
    pub(crate) fn task_limit(&self, id: WorkerId) -> u64 {
        self.config.max_tasks_per_worker.map_or(u64::MAX, |most| {
            most.get() - id.as_u64() % SPREAD_STEPS * (most.get() / TASK_LIMIT_STEP)
        })
    }

    /// How long the worker may live, down to seven eighths of the chosen age.
    pub(crate) fn age_limit(&self, id: WorkerId) -> Option<Duration> {
        let most = self.config.max_age?;
        Some(most - most / AGE_STEP * (id.as_u64() % SPREAD_STEPS) as u32)
    }

    /// The worker has reached its age limit.
    pub(crate) fn too_old(&mut self, place: usize) {
        if let Some(ready) = self.fleet[place].ready_mut() {
            ready.age_timer = None;
        }
        self.mark_for_recycling(place);
    }

    /// The worker is to be replaced as soon as the pool may start a replacement.
    pub(crate) fn mark_for_recycling(&mut self, place: usize) {
        if let Some(ready) = self.fleet[place].ready_mut() {
            ready.recycling = ready.recycling.max(Recycling::Needed);
            self.fleet.refresh(place);
        }
    }

    /// Starts to replace workers that are marked, as many as may be replaced at once.
    pub(crate) fn replace_marked(&mut self) {
        while self.phase == Phase::Open && self.fleet.needing_recycle > 0 {
            let is_marked = |recycling| recycling == Recycling::Needed;
            let Some(place) = self.fleet.find_recycling(is_marked) else {
                return;
            };
            self.replace_if_due(place);
            if self.fleet.find_recycling(is_marked) == Some(place) {
                return;
            }
            self.fleet.refresh(place);
        }
    }

    /// Starts to replace the worker if it is marked or near its task limit, and few others are being replaced.
    pub(crate) fn replace_if_due(&mut self, place: usize) {
        let at_once = (self.config.max_workers / REPLACED_AT_ONCE).max(1);
        let has_room = self.fleet.being_replaced < at_once;
        let worker = &mut self.fleet[place];
        if has_room
            && worker.needs_recycle()
            && let Some(ready) = worker.ready_mut()
        {
            ready.recycling = ready.recycling.max(Recycling::Replacing);
        }
    }

    /// A worker that is being replaced takes no more tasks, since another worker is there in its place. False if there is
    /// none.
    pub(crate) fn release_replaced(&mut self, now: Instant) -> bool {
        if self.fleet.being_replaced == 0 {
            return false;
        }
        let is_replacing = |recycling| recycling == Recycling::Replacing;
        let Some(place) = self.fleet.find_recycling(is_replacing) else {
            return false;
        };
        let worker = &mut self.fleet[place];
        let is_idle = worker.flight.tasks.is_empty();
        if let Some(ready) = worker.ready_mut() {
            ready.recycling = Recycling::Replaced;
        }
        if is_idle {
            self.stop(now, place);
        } else {
            self.fleet.refresh(place);
        }
        true
    }
}
