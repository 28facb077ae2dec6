//! Work that waits in a worker behind a task that takes longer than expected.
//!
//! A task is sent behind others only if those are expected to be short. If one of them proves to be long, the tasks
//! behind it are revoked and go back to their places in the queue. So they are waiting tasks like any other: the
//! pool grows for them, an idle worker takes them, and they are counted as queued.

use std::time::{Duration, Instant};

use crate::id::TaskId;
use crate::state::deadlines::Due;
use crate::state::scheduler::Scheduler;
use crate::state::task_details::Part;
use crate::state::worker::{Stage, Worker};

/// The least time from one look to the next.
const PAUSE: Duration = Duration::from_millis(1);

impl<P> Scheduler<P> {
    /// Something waits in a worker behind a task that is expected to be short. One timer for the pool, and not one
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
        let mut next: Option<Duration> = None;
        for place in self.fleet.places() {
            let worker = &self.fleet[place];
            let Some(&head) = worker.in_flight.front() else {
                continue;
            };
            let has_followers = worker.in_flight.len() > 1;
            let divisible = self.divisible_head(worker);
            if worker.stage != Stage::Ready || !has_followers && divisible.is_none() {
                continue;
            }
            let ran = now.saturating_duration_since(worker.head_since);
            let mut left = late.saturating_sub(ran);
            if left.is_zero() {
                self.displace(now, place, Some(head));
                let Some((expected, _)) = divisible else {
                    continue;
                };
                let expected = Duration::from_nanos(expected.unwrap_or_default());
                if ran >= expected && self.could_employ_another() {
                    self.ask_for(head, Part::Half);
                }
                left = late;
            }
            next = Some(next.map_or(left, |next| next.min(left)));
        }
        if let Some(next) = next {
            self.late_look = self.deadlines.arm(now, next.max(PAUSE), Due::LateTasks);
        }
    }

    /// The first task of the worker, if it has items that another worker may run, and what is expected of it in all.
    pub(crate) fn divisible_head(&self, worker: &Worker) -> Option<(Option<u64>, TaskId)> {
        let id = *worker.in_flight.front()?;
        let task = self.tasks.get(id)?;
        let is_whole = task.extras().is_some_and(|extras| extras.whole);
        let is_divisible = task.items > 1 && !is_whole && !task.is_resolved();
        let expected = self.history.expected_of(task.function, task.items);
        is_divisible.then_some((expected, id))
    }

    /// Where more workers are busy than there are processors, they take turns. A worker is not late before each of
    /// those that share a processor with it had its turn: else tasks would go from each worker to the next and back,
    /// and none would run sooner.
    fn late_after(&self) -> Option<Duration> {
        let alone = self.config.late_after?;
        let sharers = self.fleet.busy.div_ceil(self.config.processors.max(1));
        Some(alone.saturating_mul(u32::try_from(sharers).unwrap_or(u32::MAX).max(1)))
    }
}
