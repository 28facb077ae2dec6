//! Which worker gets the next task: an idle one, or a busy one that prefetches it.

use std::time::Instant;

use crate::id::AffinityKey;
use crate::policy::queue::NextTask;
use crate::policy::run_time::{FunctionIndex, nanos};
use crate::policy::tuning::{PREFETCH_ITEMS, PREFETCH_NEXT};
use crate::state::scheduler::Scheduler;

impl<P> Scheduler<P> {
    /// Sends tasks to workers, in order, until the first one for which no worker has room.
    pub(crate) fn dispatch_all(&mut self, now: Instant) {
        while let Some(next) = self.next_task() {
            let Some(task) = self.tasks.get(next.id) else {
                return;
            };
            let (function, items, affinity) = (task.function, task.items, task.affinity());
            let chosen = self
                .choose_worker(now, function, items, affinity)
                .or_else(|| self.choose_for_next(now, function, items));
            let Some(place) = chosen else {
                return;
            };
            let expected = self.run_times.expected_of(function, items);
            let is_charged = self.queue.pop_front(next, expected);
            self.dispatch(now, place, next.id, expected, is_charged);
        }
    }

    /// The first task that waits.
    pub(crate) fn next_task(&mut self) -> Option<NextTask> {
        let Self {
            queue,
            tasks,
            run_times,
            ..
        } = self;
        queue.front(|id| tasks.get(id).map(|task| run_times.expected(task.function)))
    }

    /// An idle worker; or else a busy one that will soon be done, if the task is short. The worker that had the task's
    /// affinity key last comes first, under the same conditions.
    ///
    /// If the least loaded worker has no room for the first task, nothing is prefetched. So a queue of any length costs
    /// one search an input.
    pub(crate) fn choose_worker(
        &mut self,
        now: Instant,
        function: FunctionIndex,
        items: u32,
        affinity: Option<AffinityKey>,
    ) -> Option<usize> {
        if let Some(key) = affinity
            && let Some(place) = self.worker_with_affinity(now, function, key)
        {
            return Some(place);
        }
        if self.may_use_another_worker()
            && let Some(place) = self.fleet.warmest_idle()
        {
            return Some(place);
        }
        if self.has_too_many_busy() {
            return None;
        }
        let expected = self.run_times.expected_of(function, items)?;
        let most = match items {
            0 | 1 => self.config.send_ahead,
            _ => self.config.send_ahead.max(PREFETCH_ITEMS),
        };
        self.fleet.least_loaded(now, expected, nanos(most))
    }

    /// For a task that has to wait: the busy worker that will be done first and has no other task. Then it need not be
    /// idle until its result has arrived, the parent has woken up and the task has been sent.
    ///
    /// If that worker is late, or another one becomes idle, the task is revoked.
    fn choose_for_next(&self, now: Instant, function: FunctionIndex, items: u32) -> Option<usize> {
        if self.has_too_many_busy() {
            return None;
        }
        let expected = self.run_times.expected_of(function, items)?;
        self.fleet
            .least_loaded_alone(now, expected, nanos(PREFETCH_NEXT))
    }

    /// Whether another worker may be busy besides those that are. A worker that is being replaced and its replacement
    /// count once together.
    pub(crate) fn may_use_another_worker(&self) -> bool {
        self.fleet.busy < self.config.max_workers
    }

    /// The pool was made smaller, and the workers beyond its size must come to an end.
    pub(crate) fn has_too_many_busy(&self) -> bool {
        self.fleet.busy > self.config.max_workers
    }
}
