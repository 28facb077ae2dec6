//! Work that waits in a worker behind a task that takes longer than expected, and tasks that a worker leaves untouched.
//!
//! A task is prefetched only behind tasks that are expected to be short. If one of them proves to be long, the tasks
//! behind it are revoked and go back to their places in the queue. So they are waiting tasks like any other: the
//! pool grows for them, an idle worker takes them, and they are counted as queued.

use std::time::{Duration, Instant};

use crate::policy::tuning::LATE_PAUSE;
use crate::state::deadlines::Due;
use crate::state::scheduler::Scheduler;
use crate::state::task::{Part, RevokeReason};

impl<P> Scheduler<P> {
    /// Work waits in a worker behind a task that is expected to be short. The pool has one timer for this, and not one
    /// for each task, because nearly every look finds no worker late.
    #[inline]
    pub(crate) fn watch_for_late_tasks(&mut self, now: Instant) {
        if self.late_look.is_none()
            && let Some(late) = self.late_after()
        {
            self.late_look = self.deadlines.arm(now, late, Due::LateTasks);
        }
    }

    /// Takes back the work that waits behind late tasks, and looks again when the next task may be late.
    pub(crate) fn look_for_late_tasks(&mut self, now: Instant) {
        self.late_look = None;
        let Some(late) = self.late_after() else {
            return;
        };
        let left = |place| self.time_until_late(now, place, late);
        let places = self.fleet.places();
        let (late_places, punctual): (Vec<_>, Vec<_>) = places
            .into_iter()
            .filter_map(|place| Some((place, left(place)?)))
            .partition(|(_, left)| left.is_zero());
        let mut next = punctual.into_iter().map(|(_, left)| left).min();
        for (place, _) in late_places {
            if self.take_back_waiting_work(now, place) {
                next = Some(next.unwrap_or(late).min(late));
            }
        }
        if let Some(next) = next {
            let next = next.max(LATE_PAUSE);
            self.late_look = self.deadlines.arm(now, next, Due::LateTasks);
        }
    }

    /// How long until the first task of the worker is late, if other work waits behind it.
    fn time_until_late(&self, now: Instant, place: usize, late: Duration) -> Option<Duration> {
        let worker = &self.fleet[place];
        let head = &worker.ready()?.head;
        let has_work = worker.flight.tasks.len() > 1 || self.divisible_head(worker).is_some();
        let ran = now.saturating_duration_since(head.since);
        has_work.then(|| late.saturating_sub(ran))
    }

    /// Revokes the tasks behind the late one; and splits that one if it takes longer than all of its items were expected
    /// to take, and the pool has another worker for them or may start one. True if it may be split later.
    fn take_back_waiting_work(&mut self, now: Instant, place: usize) -> bool {
        let head = self.fleet[place].flight.tasks.front().copied();
        self.revoke_unstarted(now, place, head);
        let worker = &self.fleet[place];
        let (Some((expected, head)), Some(ready)) = (self.divisible_head(worker), worker.ready())
        else {
            return false;
        };
        let expected = Duration::from_nanos(expected.unwrap_or_default());
        let ran = now.saturating_duration_since(ready.head.since);
        if ran >= expected && self.could_use_another_worker() {
            self.ask_to_split(head, Part::Half);
        }
        true
    }

    /// Takes back tasks that workers leave untouched: a worker that is stopped, or stuck outside of a task, must not keep a
    /// task that has no time limit of its own.
    pub(crate) fn look_for_untouched_tasks(&mut self, now: Instant) {
        self.untouched_look = None;
        let Some(patience) = self.config.untouched_timeout else {
            return;
        };
        let mut is_needed = false;
        for place in self.fleet.places() {
            let worker = &self.fleet[place];
            let Some(&head) = worker.flight.tasks.front() else {
                continue;
            };
            is_needed = true;
            let since = worker.ready().map(|ready| ready.head.since);
            if since.is_some_and(|since| now.saturating_duration_since(since) >= patience) {
                // The tasks behind it first, so that it comes before them in the queue.
                self.revoke_unstarted(now, place, Some(head));
                self.revoke(now, head, RevokeReason::Untouched);
            }
        }
        if is_needed {
            self.untouched_look = self.deadlines.arm(now, patience, Due::Untouched);
        }
    }

    /// Where more workers are busy than there are processors, they take turns. A worker is not late before each of
    /// the workers that share a processor with it had its turn. Otherwise tasks would go from each worker to the next
    /// and back, and none would run sooner.
    fn late_after(&self) -> Option<Duration> {
        let alone = self.config.late_after?;
        let sharers = self.fleet.busy.div_ceil(self.config.processors.max(1));
        let sharers = u32::try_from(sharers).unwrap_or(u32::MAX).max(1);
        Some(alone.saturating_mul(sharers))
    }
}
