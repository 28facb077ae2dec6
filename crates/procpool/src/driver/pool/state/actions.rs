//! Performs the scheduler's actions, in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use procpool_scheduler::{Action, WorkerId};
use procpool_wire::DispatchId;

use super::pool_state::State;
use crate::driver::pool::job::Job;
use crate::driver::pool::worker_entry::WorkerEntry;
use crate::driver::transport::link::Link;

impl State {
    /// Performs all actions of the scheduler.
    pub(crate) fn perform(&mut self, now: Instant) {
        while let Some(action) = self.scheduler.poll_action() {
            self.perform_action(now, action);
        }
    }

    fn perform_action(&mut self, now: Instant, action: Action<Job>) {
        match action {
            Action::Spawn(worker) => self.spawn(worker),
            Action::Stop(worker) => self.stop(worker),
            Action::Kill(worker) => self.kill(now, worker),
            Action::Collect(worker) => self.collect(worker),
            Action::Dispatch {
                worker,
                task,
                slot,
                dispatch_id: number,
            } => self.dispatch(worker, task, DispatchId { slot, number }),
            Action::Revoke {
                worker,
                task,
                slot,
                dispatch_id: number,
            } => self.revoke(now, worker, task, DispatchId { slot, number }),
            Action::Inspect {
                worker,
                task,
                slot,
                dispatch_id: number,
            } => self.inspect(now, worker, task, DispatchId { slot, number }),
            Action::Split {
                worker,
                task,
                slot,
                dispatch_id: number,
                all,
            } => self.split(now, worker, task, DispatchId { slot, number }, all),
            Action::RequestCancel {
                worker,
                dispatch_id,
                ..
            } => {
                self.request_cancel(now, worker, dispatch_id);
            }
            Action::Resolve {
                payload, outcome, ..
            } => self.fail_task(*payload, outcome),
            Action::Grant(reservation) => self.grant(reservation),
            Action::Deny(reservation) => self.deny(reservation),
            Action::WarmUpDone(warm_up) => self.warmed(warm_up, None),
            Action::WarmUpFailed { warm_up, error } => self.warmed(warm_up, Some(error)),
            Action::RunBroadcast { worker, broadcast } => self.run_broadcast(worker, broadcast),
            Action::BroadcastDone(broadcast) => self.broadcast_ended(broadcast, None),
            Action::BroadcastFailed { broadcast, error } => {
                self.broadcast_ended(broadcast, Some(error))
            }
        }
    }

    /// Returns how long a worker that is starting may spin for its first task before it sleeps.
    pub(crate) fn first_spin(&self) -> Duration {
        let counts = self.scheduler.counts();
        self.spin.first_limit(counts.starting + counts.busy)
    }

    fn spawn(&mut self, worker: WorkerId) {
        let entry = WorkerEntry::starting(self.broadcasts.all());
        self.effects.spawn.push((worker, Arc::clone(&entry.switch)));
        self.workers.insert(worker, entry);
    }

    fn stop(&mut self, worker: WorkerId) {
        match self.link(worker).cloned() {
            Some(link) => {
                link.push_stop();
                self.effects.flush(&link);
            }
            // The worker is not ready, so it has no task to finish.
            None => self.pull_switch(worker),
        }
    }

    fn kill(&mut self, now: Instant, worker: WorkerId) {
        self.tally.killed += 1;
        self.save_items(now, worker);
        self.pull_switch(worker);
    }

    fn pull_switch(&mut self, worker: WorkerId) {
        if let Some(entry) = self.workers.get(&worker) {
            self.effects.kill.push(Arc::clone(&entry.switch));
        }
    }

    fn collect(&mut self, worker: WorkerId) {
        if let Some(link) = self.link(worker).filter(|link| link.holds_back()) {
            self.effects.collect.push(Arc::clone(link));
        }
    }

    fn request_cancel(&mut self, now: Instant, worker: WorkerId, dispatch_id: u64) {
        self.save_items(now, worker);
        if let Some(link) = self.link(worker) {
            link.page().request_cancel(dispatch_id);
        }
    }

    pub(super) fn link(&self, worker: WorkerId) -> Option<&Arc<Link>> {
        self.workers.get(&worker)?.link.as_ref()
    }
}
