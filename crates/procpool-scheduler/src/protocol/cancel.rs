//! Ending tasks before they end by themselves.

use std::time::Instant;

use crate::action::{Action, Outcome};
use crate::id::TaskId;
use crate::state::deadlines::Due;
use crate::state::scheduler::Scheduler;
use crate::state::task::{PendingKill, RevokeReason};

impl<P> Scheduler<P> {
    pub(crate) fn cancel(&mut self, now: Instant, id: TaskId) {
        match self.tasks.get(id) {
            Some(task) if task.is_resolved() => {}
            None => {}
            Some(task) if task.sent.is_none() => self.resolve_queued(id, Outcome::Cancelled),
            Some(_) => self.revoke(now, id, RevokeReason::Cancel),
        }
    }

    pub(crate) fn cancel_if_queued(&mut self, now: Instant, id: TaskId) {
        match self.tasks.get(id) {
            Some(task) if task.is_resolved() => {}
            None => {}
            // It has begun, and waits for another worker only.
            Some(task) if task.deaths() > 0 => {}
            Some(task) if task.sent.is_none() => self.resolve_queued(id, Outcome::Cancelled),
            Some(_) => self.revoke(now, id, RevokeReason::CancelIfQueued),
        }
    }

    pub(crate) fn cancel_queued(&mut self, now: Instant) {
        let ids: Vec<_> = self.tasks.ids().collect();
        for id in ids {
            self.cancel_if_queued(now, id);
        }
    }

    pub(crate) fn cancel_at(&mut self, now: Instant, id: TaskId, at: Option<Instant>) {
        let Some(task) = self.tasks.get_mut(id).filter(|task| !task.is_resolved()) else {
            return;
        };
        if let Some(details) = task.present_details() {
            self.deadlines.disarm(&mut details.cancel_timer);
        }
        match at {
            Some(at) if at <= now => self.cancel(now, id),
            Some(at) => {
                let timer = self.deadlines.arm(now, at - now, Due::Cancel(id));
                task.details_mut().cancel_timer = timer;
            }
            None => {}
        }
    }

    /// The moment has come at which the task is to be cancelled.
    pub(crate) fn cancel_timer_fired(&mut self, now: Instant, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.details_mut().cancel_timer = None;
            self.cancel(now, id);
        }
    }

    /// The task has waited too long, or its grace is over.
    pub(crate) fn wait_timer_fired(&mut self, now: Instant, id: TaskId) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        task.details_mut().wait_timer = None;
        match (self.dispatches.of(Some(task)), task.spec().queue_timeout) {
            (Some(sent), _) if task.is_resolved() => {
                if self.fleet[sent.worker].ready().is_some() {
                    self.mark_for_kill(now, id, PendingKill { outcome: None });
                }
            }
            (Some(_), _) => self.revoke(now, id, RevokeReason::QueueTimeout),
            (None, Some(limit)) => self.resolve_queued(id, Outcome::QueueTimedOut { limit }),
            (None, None) => {}
        }
    }

    /// Gives up a task that has begun. It is resolved now, or when its worker is killed.
    pub(crate) fn abandon(&mut self, now: Instant, id: TaskId, outcome: Outcome) {
        let Some(task) = self.tasks.get(id) else {
            return;
        };
        let Some(sent) = self.dispatches.of(Some(task)).copied() else {
            return;
        };
        let (function, grace) = (task.function, task.spec().grace);
        let place = sent.worker;
        let worker = &mut self.fleet[place];
        let is_head = worker.flight.tasks.front() == Some(&id);
        let Some(ready) = worker.ready_mut() else {
            return self.resolve(id, outcome);
        };
        if is_head {
            self.deadlines.disarm(&mut ready.head.timer);
            // It would have run even longer: the next task of its function is not short.
            let ran = now.saturating_duration_since(ready.head.since);
            self.run_times.record(function, ran);
        }
        let Some(grace) = grace else {
            let outcome = Some(outcome);
            return self.mark_for_kill(now, id, PendingKill { outcome });
        };
        self.revoke_unstarted(now, place, Some(id));
        let worker = &mut self.fleet[place];
        worker.flight.resolved += 1;
        self.actions.push_back(Action::RequestCancel {
            worker: worker.id,
            task: id,
            slot: sent.slot,
            dispatch_id: sent.dispatch_id,
        });
        self.resolve(id, outcome);
        let timer = self.deadlines.arm(now, grace, Due::TaskWait(id));
        if let Some(task) = self.tasks.get_mut(id) {
            task.details_mut().wait_timer = timer;
        }
        self.fleet.refresh(place);
    }

    /// Resolves a task that waits, and takes it out of the queue's count if it is there.
    pub(crate) fn resolve_queued(&mut self, id: TaskId, outcome: Outcome) {
        let waits = self.tasks.get(id).filter(|task| !task.is_pausing());
        let key = waits.map(|task| task.queue_key());
        self.resolve(id, outcome);
        if let Some(key) = key {
            self.queue.forget(key, |id| self.tasks.contains(id));
        }
    }

    /// Tells how the task ended. A task that a worker has stays in flight, without payload.
    pub(crate) fn resolve(&mut self, id: TaskId, outcome: Outcome) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        if let Some(details) = task.present_details() {
            details.disarm(&mut self.deadlines);
        }
        let is_in_flight = task.sent.is_some();
        if let Some(payload) = task.payload.take() {
            self.open_tasks -= 1;
            self.actions.push_back(Action::Resolve {
                task: id,
                payload: Box::new(payload),
                outcome,
            });
        }
        if !is_in_flight {
            self.tasks.remove(id);
        }
    }
}
