//! Sending tasks to workers, taking them back, and their progress.

use std::time::Instant;

use procpool_scheduler::{RunState, TaskId, TaskState as Phase, WorkerId};
use procpool_wire::{DispatchId, Run};

use super::pool_state::State;
use crate::driver::pool::job::{Job, Sink};
use crate::driver::transport::link::Link;
use crate::spin_wait::SpinWait;
use crate::task::task_state::TaskState;

impl State {
    /// Returns the state of a task. A task that a worker has not claimed is still queued.
    pub(crate) fn task_state(&self, task: TaskId) -> TaskState {
        match self.scheduler.state(task) {
            Phase::Queued => TaskState::Queued,
            Phase::Sent {
                worker,
                slot,
                dispatch_id: number,
            } => match self.run_state(worker, DispatchId { slot, number }) {
                RunState::Unclaimed => TaskState::Queued,
                RunState::Running { .. } | RunState::Finished => TaskState::Running,
            },
            Phase::Finished => TaskState::Finished,
        }
    }

    /// Returns the progress that a running task has reported.
    pub(crate) fn progress(&self, task: TaskId) -> Option<(u64, u64)> {
        match self.scheduler.state(task) {
            Phase::Sent {
                worker,
                dispatch_id,
                ..
            } => self.link(worker)?.page().progress(dispatch_id),
            Phase::Queued | Phase::Finished => None,
        }
    }

    /// Sends a task to a worker.
    pub(super) fn dispatch(&mut self, worker: WorkerId, task: TaskId, dispatch_id: DispatchId) {
        let busy = self.scheduler.busy_workers();
        let Some(entry) = self.workers.get_mut(&worker) else {
            return;
        };
        let (Some(link), Some(job)) = (&entry.link, self.scheduler.payload_mut(task)) else {
            return;
        };
        if let Sink::Chunk(_) = &job.sink {
            return self.dispatch_items(worker, task, dispatch_id);
        }
        let args = job.call.args.len();
        offer(link, dispatch_id, job);
        let expected = || self.scheduler.expected(task);
        let spin_limit = self.spin.dispatch(link.page(), busy, args, expected);
        if let Some(limit) = spin_limit
            && let Some(source) = &entry.source
            && let Some(job) = self.scheduler.payload_mut(task)
            && let Sink::Cell(cell) = &job.sink
        {
            cell.expect_spin(SpinWait::new(source, limit));
        }
        self.effects.flush(link);
        entry.dispatch(dispatch_id, task, None);
    }

    /// Revokes a task unless its worker has claimed it, and reports to the scheduler whether this succeeded.
    pub(super) fn revoke(
        &mut self,
        now: Instant,
        worker: WorkerId,
        task: TaskId,
        dispatch_id: DispatchId,
    ) {
        let is_revoked = self.try_revoke(worker, dispatch_id);
        self.scheduler.handle_revoked(now, task, is_revoked);
    }

    fn try_revoke(&mut self, worker: WorkerId, dispatch_id: DispatchId) -> bool {
        let Some(entry) = self.workers.get_mut(&worker) else {
            return true;
        };
        let Some(link) = &entry.link else { return true };
        let revoked = link
            .page()
            .revoke(usize::from(dispatch_id.slot), dispatch_id.number);
        if revoked {
            entry.complete_dispatch(dispatch_id);
        }
        revoked
    }

    /// Reports to the scheduler whether a worker has claimed or finished a task, and when it claimed the task.
    pub(super) fn inspect(
        &mut self,
        now: Instant,
        worker: WorkerId,
        task: TaskId,
        dispatch_id: DispatchId,
    ) {
        let standing = self.run_state(worker, dispatch_id);
        self.scheduler.handle_inspected(now, task, standing);
    }

    fn run_state(&self, worker: WorkerId, dispatch_id: DispatchId) -> RunState {
        self.link(worker)
            .map_or(RunState::Unclaimed, |link| link.run_state(dispatch_id))
    }
}

/// Puts a task into the outbox. The job keeps the arguments, since another worker may have to run the task.
#[inline]
fn offer(link: &Link, dispatch_id: DispatchId, job: &Job) {
    let [entry, function] = job.call.offsets.to_words();
    link.offer(Run {
        dispatch_id,
        entry,
        function,
        limits: job.limits(),
        args: &job.call.args,
    });
}
