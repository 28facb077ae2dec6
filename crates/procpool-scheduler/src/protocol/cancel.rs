//! Ending tasks before they end by themselves.

use std::time::Instant;

use crate::action::{Action, Outcome};
use crate::id::TaskId;
use crate::state::deadlines::Due;
use crate::state::scheduler::Scheduler;
use crate::state::task::{Sentence, Why};
use crate::state::worker::Stage;

impl<P> Scheduler<P> {
    pub(crate) fn cancel(&mut self, now: Instant, id: TaskId) {
        match self.tasks.get(id) {
            Some(task) if task.is_resolved() => {}
            None => {}
            Some(task) if task.sent.is_none() => self.resolve_queued(id, Outcome::Cancelled),
            Some(_) => self.take(now, id, Why::Cancel),
        }
    }

    pub(crate) fn cancel_if_queued(&mut self, now: Instant, id: TaskId) {
        match self.tasks.get(id) {
            Some(task) if task.is_resolved() => {}
            None => {}
            // It has begun, and waits only for another worker.
            Some(task) if task.deaths() > 0 => {}
            Some(task) if task.sent.is_none() => self.resolve_queued(id, Outcome::Cancelled),
            Some(_) => self.take(now, id, Why::CancelIfQueued),
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
        if let Some(extras) = task.present_extras() {
            self.deadlines.disarm(&mut extras.deadline);
        }
        match at {
            Some(at) if at <= now => self.cancel(now, id),
            Some(at) => {
                let deadline = self.deadlines.arm(now, at - now, Due::Deadline(id));
                task.extras_mut().deadline = deadline;
            }
            None => {}
        }
    }

    /// The task's deadline has come.
    pub(crate) fn expired(&mut self, now: Instant, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.extras_mut().deadline = None;
            self.cancel(now, id);
        }
    }

    /// The task's timer fired: it waited too long, or its grace is over.
    pub(crate) fn waited(&mut self, now: Instant, id: TaskId) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        task.extras_mut().timer = None;
        match (task.sent(), task.spec().queue_timeout) {
            (Some(sent), _) if task.is_resolved() => {
                if self.is_ready(sent.worker) {
                    self.condemn(now, id, Sentence { outcome: None });
                }
            }
            (Some(_), _) => self.take(now, id, Why::QueueTimeout),
            (None, Some(limit)) => self.resolve_queued(id, Outcome::QueueTimedOut { limit }),
            (None, None) => {}
        }
    }

    /// Takes back what workers leave untouched: a worker that is stopped, or stuck outside of a task,
    /// must not keep a task that has no limit of its own.
    ///
    /// One timer for the pool, and not one for each task, because nearly every look finds nothing.
    pub(crate) fn look(&mut self, now: Instant) {
        self.look = None;
        let Some(patience) = self.config.untouched_timeout else {
            return;
        };
        let mut busy = false;
        for place in self.fleet.places() {
            let worker = &self.fleet[place];
            let Some(&head) = worker.in_flight.front() else {
                continue;
            };
            busy = true;
            let waits = now.saturating_duration_since(worker.head_since);
            if worker.stage == Stage::Ready && waits >= patience {
                // Those behind it first, so that it comes before them in the queue.
                self.displace(now, place, Some(head));
                self.take(now, head, Why::Untouched);
            }
        }
        if busy && self.look.is_none() {
            self.look = self.deadlines.arm(now, patience, Due::Look);
        }
    }

    /// Gives up a task that has begun. It is resolved now; what is left of it is its worker's affair.
    pub(crate) fn abandon(&mut self, now: Instant, id: TaskId, outcome: Outcome) {
        let Some(task) = self.tasks.get(id) else {
            return;
        };
        let Some(sent) = task.sent() else {
            return;
        };
        let (function, grace) = (task.function, task.spec().grace);
        let place = sent.worker;
        let worker = &mut self.fleet[place];
        if worker.stage != Stage::Ready {
            return self.resolve(id, outcome);
        }
        let is_head = worker.in_flight.front() == Some(&id);
        if is_head {
            self.deadlines.disarm(&mut worker.head_timer);
            // It would have taken even longer: the next one of its kind is not short.
            let ran = now.saturating_duration_since(worker.head_since);
            self.history.record(function, ran);
        }
        match grace {
            None => {
                let outcome = Some(outcome);
                self.condemn(now, id, Sentence { outcome });
            }
            Some(grace) => {
                self.displace(now, place, Some(id));
                let worker = &mut self.fleet[place];
                worker.graces += 1;
                self.actions.push_back(Action::RequestCancel {
                    worker: worker.id,
                    task: id,
                    slot: sent.slot,
                    dispatch_id: sent.dispatch_id,
                });
                self.resolve(id, outcome);
                let timer = self.deadlines.arm(now, grace, Due::Task(id));
                if let Some(task) = self.tasks.get_mut(id) {
                    task.extras_mut().timer = timer;
                }
                self.fleet.refresh(place);
            }
        }
    }

    /// The worker is to be killed for this task, which it has begun; but only if it still runs it. It may have
    /// finished, with its result on the way, and run another by now that nobody wants to harm.
    fn condemn(&mut self, now: Instant, id: TaskId, sentence: Sentence) {
        let Some(sent) = self.tasks.get_mut(id).and_then(|task| task.sent.as_mut()) else {
            return;
        };
        let place = sent.worker;
        sent.condemned.get_or_insert(sentence);
        // What was sent after it is asked for, which also saves what has not begun.
        self.displace(now, place, Some(id));
        self.execute(place);
    }

    /// Kills the worker if what it runs is condemned; once it is known what that is.
    ///
    /// A worker runs its tasks in order, and answers each before it claims the next. So of those that it has
    /// claimed, it can be running the last one only.
    pub(crate) fn execute(&mut self, place: usize) {
        let worker = &self.fleet[place];
        if worker.unanswered > 0 {
            return;
        }
        let sent = |id: &TaskId| self.tasks.get(*id).and_then(|task| task.sent());
        let condemned: Vec<_> = worker
            .in_flight
            .iter()
            .filter_map(|id| Some((*id, sent(id)?.condemned?)))
            .collect();
        if condemned.is_empty() {
            return;
        }
        let begun = |id: &&TaskId| sent(id).is_some_and(|sent| sent.claimed);
        let running = worker.in_flight.iter().rev().find(begun).copied();
        let is_ready = worker.stage == Stage::Ready;
        if is_ready && condemned.iter().any(|&(id, _)| Some(id) == running) {
            self.kill(place);
        }
        for (id, sentence) in condemned {
            if let Some(sent) = self.tasks.get_mut(id).and_then(|task| task.sent.as_mut()) {
                sent.condemned = None;
            }
            if let Some(outcome) = sentence.outcome {
                // Until its result comes, it is there as if in its grace.
                self.fleet[place].graces += 1;
                self.resolve(id, outcome);
                self.fleet.refresh(place);
            }
        }
    }

    /// Resolves a task that waits, and keeps its place in the queue, if it has one, from being counted.
    pub(crate) fn resolve_queued(&mut self, id: TaskId, outcome: Outcome) {
        let waits = self.tasks.get(id).filter(|task| !task.is_pausing());
        let seat = waits.map(|task| task.seat());
        self.resolve(id, outcome);
        if let Some(seat) = seat {
            self.queue.forget(seat, |id| self.tasks.contains(id));
        }
    }

    /// Says how the task ended. One that is in flight stays there, without payload.
    pub(crate) fn resolve(&mut self, id: TaskId, outcome: Outcome) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        if let Some(extras) = task.present_extras() {
            extras.disarm(&mut self.deadlines);
        }
        let in_flight = task.sent.is_some();
        if let Some(payload) = task.payload.take() {
            self.open_tasks -= 1;
            self.actions.push_back(Action::Resolve {
                task: id,
                payload: Box::new(payload),
                outcome,
            });
        }
        if !in_flight {
            self.tasks.remove(id);
        }
    }
}
