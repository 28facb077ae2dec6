//! Results that a worker holds back.
//!
//! A worker that has more to do gathers results, so that one system call brings many of them. It looks at
//! the time between two tasks, so it can't keep its word if the next task takes long. The driver can
//! take from it what it has gathered; here is decided when to look.

use std::time::{Duration, Instant};

use crate::action::Action;
use crate::state::deadlines::Due;
use crate::state::scheduler::Scheduler;
use crate::state::worker::Stage;

/// As often as this the pause between two looks is doubled while nothing is heard: a task that takes
/// seconds is not looked at ten thousand times a second.
const DOUBLINGS: u32 = 5;

impl<P> Scheduler<P> {
    /// A worker that may hold something back was sent a task, or heard.
    #[inline]
    pub(crate) fn watch_results(&mut self, now: Instant) {
        let Some(pause) = self.config.held_back else {
            return;
        };
        if self.quiet_collects > 0 {
            self.quiet_collects = 0;
            self.deadlines.disarm(&mut self.collect_timer);
        }
        if self.collect_timer.is_none() {
            self.collect_after(now, pause);
        }
    }

    fn collect_after(&mut self, now: Instant, pause: Duration) {
        self.collect_timer = self.deadlines.arm(now, pause, Due::Collect);
    }

    /// Those who were not heard since the last look may be holding something back.
    pub(crate) fn collect(&mut self, now: Instant) {
        self.collect_timer = None;
        let Some(pause) = self.config.held_back else {
            return;
        };
        let (mut is_needed, mut is_heard) = (false, false);
        for place in self.fleet.places() {
            if !self.may_hold_back(place) {
                continue;
            }
            is_needed = true;
            let worker = &mut self.fleet[place];
            if std::mem::take(&mut worker.heard) {
                is_heard = true;
            } else {
                self.actions.push_back(Action::Collect(worker.id));
            }
        }
        self.quiet_collects = match is_heard {
            true => 0,
            false => (self.quiet_collects + 1).min(DOUBLINGS),
        };
        match is_needed {
            true => self.collect_after(now, pause * (1 << self.quiet_collects)),
            false => self.quiet_collects = 0,
        }
    }

    /// It has more to do than what it runs.
    #[inline]
    pub(crate) fn may_hold_back(&self, place: usize) -> bool {
        let worker = &self.fleet[place];
        let head = || self.tasks.get(*worker.in_flight.front()?);
        worker.stage == Stage::Ready
            && (worker.in_flight.len() > 1 || head().is_some_and(|head| head.is_in_parts()))
    }

    #[cfg(test)]
    pub(crate) fn watches_results(&self) -> bool {
        self.collect_timer.is_some()
    }
}
