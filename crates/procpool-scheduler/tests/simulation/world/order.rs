//! In which order tasks are served, and that none waits for a worker in vain.

use std::time::Duration;

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

    /// While a worker is idle, nobody waits behind a task that takes longer than it was expected to.
    pub(super) fn nobody_waits_in_vain(&mut self) {
        let counts = self.scheduler.counts();
        let config = &self.plan.config;
        if counts.idle == 0 || counts.busy >= config.max_workers {
            self.idle_since = None;
            return;
        }
        let idle_since = *self.idle_since.get_or_insert(self.now);
        let live = self.processes.values().filter(|process| process.is_live());
        for (sent, behind) in live.flat_map(|process| process.waiting()) {
            let waits = self.now - sent.max(idle_since);
            let most = (config.send_ahead + SLACK) * behind as u32;
            assert!(waits <= most, "waits for {waits:?} behind {behind}");
        }
    }
}
