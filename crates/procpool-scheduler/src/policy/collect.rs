//! When to look for results that a worker holds back.
//!
//! A worker that has more to do gathers results, so that one system call brings many of them. It looks at the time
//! between two tasks, so it holds a result too long if the next task takes long. The driver can take the results that
//! were gathered; here it is decided when.

use std::time::{Duration, Instant};

use crate::action::Action;
use crate::policy::tuning::COLLECT_DOUBLINGS;
use crate::state::deadlines::Due;
use crate::state::scheduler::Scheduler;

impl<P> Scheduler<P> {
    /// The worker gave a result.
    #[inline]
    pub(crate) fn note_result(&mut self, now: Instant, place: usize) {
        if self.may_hold_back(place) {
            if let Some(ready) = self.fleet[place].ready_mut() {
                ready.gave_result = true;
            }
            self.watch_results(now);
        }
    }

    /// A worker that may hold results back was sent a task, or gave a result.
    #[inline]
    pub(crate) fn watch_results(&mut self, now: Instant) {
        let Some(pause) = self.config.held_back else {
            return;
        };
        if self.quiet_looks > 0 {
            self.quiet_looks = 0;
            self.deadlines.disarm(&mut self.collect_look);
        }
        if self.collect_look.is_none() {
            self.collect_after(now, pause);
        }
    }

    fn collect_after(&mut self, now: Instant, pause: Duration) {
        self.collect_look = self.deadlines.arm(now, pause, Due::Collect);
    }

    /// Workers that gave no result since the last look may be holding some back.
    pub(crate) fn look_for_held_back_results(&mut self, now: Instant) {
        self.collect_look = None;
        let Some(pause) = self.config.held_back else {
            return;
        };
        let (mut is_needed, mut has_results) = (false, false);
        for place in self.fleet.places() {
            if !self.may_hold_back(place) {
                continue;
            }
            is_needed = true;
            let worker = &mut self.fleet[place];
            let Some(ready) = worker.ready_mut() else {
                continue;
            };
            if std::mem::take(&mut ready.gave_result) {
                has_results = true;
            } else {
                self.actions.push_back(Action::Collect(worker.id));
            }
        }
        self.quiet_looks = match has_results {
            true => 0,
            false => (self.quiet_looks + 1).min(COLLECT_DOUBLINGS),
        };
        match is_needed {
            true => self.collect_after(now, pause * (1 << self.quiet_looks)),
            false => self.quiet_looks = 0,
        }
    }

    /// Whether the worker has more to do than the task that it runs.
    #[inline]
    pub(crate) fn may_hold_back(&self, place: usize) -> bool {
        let worker = &self.fleet[place];
        let tasks = &worker.flight.tasks;
        let head = || self.tasks.get(*tasks.front()?);
        worker.ready().is_some()
            && (tasks.len() > 1 || head().is_some_and(|head| head.is_in_parts()))
    }
}
