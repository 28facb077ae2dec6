//! Taking back what was sent, and what follows from the answer.

use std::time::{Duration, Instant};

use crate::action::{Action, Outcome};
use crate::id::TaskId;
use crate::state::scheduler::Scheduler;
use crate::state::task::{Task, Why};
use crate::state::worker::Stage;

impl<P> Scheduler<P> {
    /// Takes a sent task back, or does what is to be done if it has begun. The driver is asked at most once a
    /// dispatch_id.
    pub(crate) fn take(&mut self, now: Instant, id: TaskId, why: Why) {
        let Some(sent) = self.tasks.get_mut(id).and_then(|task| task.sent.as_mut()) else {
            return;
        };
        if sent.claimed {
            return self.not_taken(now, id, why);
        }
        if let Some(asked) = &mut sent.revoking {
            *asked = why.max(*asked);
            return;
        }
        sent.revoking = Some(why);
        self.revoking += 1;
        let worker = &mut self.fleet[sent.worker];
        worker.unanswered += 1;
        self.actions.push_back(Action::Revoke {
            worker: worker.id,
            task: id,
            slot: sent.slot,
            dispatch_id: sent.dispatch_id,
        });
    }

    /// Takes back everything that the worker has not begun, but `except`.
    ///
    /// From the last to the first, because each goes to the front of the queue: so they keep their order.
    pub(crate) fn displace(&mut self, now: Instant, place: usize, except: Option<TaskId>) {
        for at in (0..self.fleet[place].in_flight.len()).rev() {
            let id = self.fleet[place].in_flight[at];
            let resolved = self.tasks.get(id).is_none_or(Task::is_resolved);
            if !resolved && Some(id) != except {
                self.take(now, id, Why::Displaced);
            }
        }
    }

    /// The driver answered.
    pub(crate) fn revoked(&mut self, now: Instant, id: TaskId, revoked: bool) {
        let Some(sent) = self.tasks.get_mut(id).and_then(|task| task.sent.as_mut()) else {
            return;
        };
        let Some(why) = sent.revoking.take() else {
            return;
        };
        let place = sent.worker;
        self.revoking -= 1;
        self.fleet[place].unanswered -= 1;
        if revoked {
            self.taken(now, id, place, why);
        } else {
            self.has_begun(id);
            self.not_taken(now, id, why);
        }
        self.execute(place);
        self.all_answered(now, place);
    }

    /// The worker has claimed the task, and so has given a sign.
    pub(crate) fn has_begun(&mut self, id: TaskId) {
        if let Some(sent) = self.tasks.get_mut(id).and_then(|task| task.sent.as_mut()) {
            sent.claimed = true;
            let worker = &mut self.fleet[sent.worker];
            worker.untried = false;
            worker.silent = Duration::ZERO;
        }
    }

    /// The task never ran.
    fn taken(&mut self, now: Instant, id: TaskId, place: usize, why: Why) {
        self.settle_share(now, id, Duration::ZERO);
        let was_head = self.unsend(id);
        let worker = &mut self.fleet[place];
        worker.taken -= 1;
        if was_head && worker.stage == Stage::Ready {
            worker.silent += now.saturating_duration_since(worker.head_since);
        }
        match why {
            Why::Cancel | Why::CancelIfQueued => self.resolve(id, Outcome::Cancelled),
            Why::Unbegun => {
                if let Some(task) = self.tasks.get_mut(id) {
                    task.extras_mut().unclaimed += 1;
                }
                self.requeue(now, id);
            }
            Why::Untouched | Why::QueueTimeout | Why::Rebalance | Why::Displaced => {
                self.requeue(now, id)
            }
        }
        self.vacated(now, place, was_head);
    }

    /// The task has begun.
    fn not_taken(&mut self, now: Instant, id: TaskId, why: Why) {
        match why {
            Why::Cancel => self.abandon(now, id, Outcome::Cancelled),
            // It has just begun. Since when, is to be seen.
            Why::Unbegun => self.inspect(id),
            // If it is on a worker that is gone, the burial decides.
            Why::CancelIfQueued
            | Why::Untouched
            | Why::QueueTimeout
            | Why::Rebalance
            | Why::Displaced => {}
        }
    }

    /// Puts a task that has not begun, or may begin again, in front of those of its share that wait.
    pub(crate) fn requeue(&mut self, now: Instant, id: TaskId) {
        let Some(task) = self.tasks.get(id) else {
            return;
        };
        if task.is_resolved() {
            self.tasks.remove(id);
        } else if let Some(limit) = task.waited_past(now) {
            self.resolve(id, Outcome::QueueTimedOut { limit });
        } else {
            self.queue.push_front(now, task.seat(), id);
        }
    }
}
