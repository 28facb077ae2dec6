//! Taking back tasks that were sent, and what follows from the driver's answer.

use std::time::{Duration, Instant};

use crate::action::{Action, Outcome};
use crate::id::TaskId;
use crate::state::scheduler::Scheduler;
use crate::state::task::{RevokeReason, Task};

impl<P> Scheduler<P> {
    /// Takes a sent task back, or does what is to be done if it has begun. The driver is asked at most once for a
    /// dispatch.
    pub(crate) fn revoke(&mut self, now: Instant, id: TaskId, reason: RevokeReason) {
        let Some(sent) = self.dispatches.of_mut(self.tasks.get(id)) else {
            return;
        };
        if sent.is_claimed {
            return self.not_revoked(now, id, reason);
        }
        if let Some(asked) = &mut sent.revoking {
            *asked = reason.max(*asked);
            return;
        }
        sent.revoking = Some(reason);
        self.revoking += 1;
        let worker = &mut self.fleet[sent.worker];
        worker.flight.unanswered += 1;
        self.actions.push_back(Action::Revoke {
            worker: worker.id,
            task: id,
            slot: sent.slot,
            dispatch_id: sent.dispatch_id,
        });
    }

    /// Takes back every task that the worker has not begun, but `except`.
    ///
    /// From the last to the first: each goes to the front of the queue, and so they keep their order.
    pub(crate) fn revoke_unstarted(&mut self, now: Instant, place: usize, except: Option<TaskId>) {
        for at in (0..self.fleet[place].flight.tasks.len()).rev() {
            let id = self.fleet[place].flight.tasks[at];
            let is_resolved = self.tasks.get(id).is_none_or(Task::is_resolved);
            if !is_resolved && Some(id) != except {
                self.revoke(now, id, RevokeReason::Displaced);
            }
        }
    }

    /// The driver answered.
    pub(crate) fn revoke_answered(&mut self, now: Instant, id: TaskId, is_revoked: bool) {
        let Some(sent) = self.dispatches.of_mut(self.tasks.get(id)) else {
            return;
        };
        let Some(reason) = sent.revoking.take() else {
            return;
        };
        let place = sent.worker;
        self.revoking -= 1;
        self.fleet[place].flight.unanswered -= 1;
        if is_revoked {
            self.revoked(now, id, place, reason);
        } else {
            self.note_claimed(id);
            self.not_revoked(now, id, reason);
        }
        self.kill_if_pending(place);
        self.finish_exit(now, place);
    }

    /// The worker has claimed the task.
    pub(crate) fn note_claimed(&mut self, id: TaskId) {
        if let Some(sent) = self.dispatches.of_mut(self.tasks.get(id)) {
            sent.is_claimed = true;
            self.fleet[sent.worker].life.has_begun_task();
        }
    }

    /// The task never ran.
    fn revoked(&mut self, now: Instant, id: TaskId, place: usize, reason: RevokeReason) {
        self.settle_share(now, id, Duration::ZERO);
        let was_head = self.complete_dispatch(id);
        let worker = &mut self.fleet[place];
        worker.quota.used -= 1;
        if was_head && let Some(ready) = worker.ready_mut() {
            ready.silent += now.saturating_duration_since(ready.head.since);
        }
        match reason {
            RevokeReason::Cancel | RevokeReason::CancelIfQueued => {
                self.resolve(id, Outcome::Cancelled);
            }
            RevokeReason::Unbegun => {
                if let Some(task) = self.tasks.get_mut(id) {
                    task.details_mut().unclaimed_timeouts += 1;
                }
                self.requeue(now, id);
            }
            RevokeReason::Untouched
            | RevokeReason::QueueTimeout
            | RevokeReason::Rebalance
            | RevokeReason::Displaced => self.requeue(now, id),
        }
        self.flight_changed(now, place, was_head);
    }

    /// The task has begun.
    fn not_revoked(&mut self, now: Instant, id: TaskId, reason: RevokeReason) {
        match reason {
            RevokeReason::Cancel => self.abandon(now, id, Outcome::Cancelled),
            // It has just begun. The driver is asked when.
            RevokeReason::Unbegun => self.inspect(id),
            // If its worker has exited, `fail_on_worker_exit` decides.
            RevokeReason::CancelIfQueued
            | RevokeReason::Untouched
            | RevokeReason::QueueTimeout
            | RevokeReason::Rebalance
            | RevokeReason::Displaced => {}
        }
    }

    /// Puts a task that has not begun, or may begin again, in front of the waiting tasks of its share.
    pub(crate) fn requeue(&mut self, now: Instant, id: TaskId) {
        let Some(task) = self.tasks.get(id) else {
            return;
        };
        if task.is_resolved() {
            self.tasks.remove(id);
        } else if let Some(limit) = task.passed_queue_timeout(now) {
            self.resolve(id, Outcome::QueueTimedOut { limit });
        } else {
            self.queue.push_front(now, task.queue_key(), id);
        }
    }
}
