//! In which order tasks are served, and that none waits for a worker in vain.

use std::time::{Duration, Instant};

use procpool_scheduler::TaskState;

use super::World;

/// A driver's timer is late by a millisecond at most, and so is what it hears.
const SLACK: Duration = Duration::from_millis(4);

impl World {
    /// Of those of one level and one share, nobody is served before who came earlier; but for those that come
    /// back from a worker, which go to the front.
    pub(super) fn served_in_turn(&self, number: usize) {
        let task = &self.tasks[number];
        if task.revoked > 0 || !task.claims.is_empty() {
            return;
        }
        let seat = |spec: procpool_scheduler::TaskSpec| (spec.level, spec.share);
        for earlier in &self.tasks[..number] {
            assert!(
                earlier.end.is_some()
                    || !earlier.claims.is_empty()
                    || seat(earlier.spec) != seat(task.spec)
                    || self.scheduler.state(earlier.id) != TaskState::Queued,
                "{} is served before {}",
                task.id,
                earlier.id
            );
        }
    }

    /// While a worker is idle, no task waits behind one that takes longer than it was expected to.
    pub(super) fn no_task_waits_beside_an_idle_worker(&mut self) {
        let counts = self.scheduler.counts();
        let config = &self.plan.config;
        if counts.idle == 0 || counts.busy >= config.max_workers {
            self.idle_since = None;
            return;
        }
        let since = *self.idle_since.get_or_insert(self.now);
        self.no_task_waits_behind_another(since, config.send_ahead);
    }

    /// While the pool may grow, no task waits behind one that takes longer than it was expected to; and for each task
    /// that waits for a worker, one is starting.
    pub(super) fn no_task_waits_while_the_pool_may_grow(&mut self) {
        let counts = self.scheduler.counts();
        let config = &self.plan.config;
        let live = counts.starting + counts.preparing + counts.idle + counts.busy;
        if live >= config.max_workers || self.terminated || self.may_fail_to_start() {
            self.room_since = None;
            return;
        }
        let since = *self.room_since.get_or_insert(self.now);
        let late_after = config.late_after.expect("it is always chosen");
        // So many workers share a processor at most.
        let sharers = self.peak.div_ceil(config.processors);
        // A look may have come just before the task was sent.
        self.no_task_waits_behind_another(since, 2 * late_after * sharers as u32);
        let needed = (counts.busy + counts.queued).min(config.max_workers);
        assert!(live >= needed, "no worker starts: {counts:?}");
        if counts.queued > 0 {
            self.see("room to grow for a task that waits");
        }
    }

    /// No task has waited since then for longer than so much for each task before it.
    fn no_task_waits_behind_another(&self, since: Instant, each: Duration) {
        let live = self.processes.values().filter(|process| process.is_live());
        for (sent, behind) in live.flat_map(|process| process.waiting()) {
            let waits = self.now - sent.max(since);
            let most = (each + SLACK) * behind as u32;
            assert!(waits <= most, "waits for {waits:?} behind {behind}");
        }
    }

    /// Whether the scheduler may have to pause before it starts another worker.
    fn may_fail_to_start(&self) -> bool {
        let chances = &self.plan.chances;
        chances.spawn_fails + chances.start_fails + chances.start_hangs > 0.0
            || chances.dies_idle + chances.freezes + chances.broadcasts > 0.0
    }
}
