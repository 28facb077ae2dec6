//! Time limits: how long a task has run, and what follows.
//!
//! Only the worker knows when it began a task. So when a limit may have passed, the driver is asked what the worker has
//! written on its control page, and the rest of the limit is waited for.

use std::time::{Duration, Instant};

use crate::action::{Action, Outcome, RunState};
use crate::id::TaskId;
use crate::state::deadlines::Due;
use crate::state::scheduler::Scheduler;
use crate::state::task::{Part, RevokeReason, Sent};

impl<P> Scheduler<P> {
    /// Arms the timer of the worker's first task for the earliest moment at which its limit can have passed. It is
    /// nearly always disarmed before, so this is all that a limit costs.
    ///
    /// That the task is the first only now says nothing about its start: the driver may be late with the result of the
    /// task before.
    pub(crate) fn start_run_clock(&mut self, now: Instant, place: usize) {
        let Some(&head) = self.fleet[place].flight.tasks.front() else {
            return;
        };
        if let Some(task) = self.tasks.get(head)
            && !task.is_resolved()
            && let Some(limit) = task.timeout()
            && let Some(sent) = self.dispatches.of(Some(task))
        {
            self.check_run_at(now, place, sent.at.checked_add(limit));
        }
    }

    fn check_run_at(&mut self, now: Instant, place: usize, at: Option<Instant>) {
        if let Some(ready) = self.fleet[place].ready_mut() {
            ready.head.timer = at.and_then(|at| {
                let after = at.saturating_duration_since(now);
                self.deadlines.arm(now, after, Due::RunTimeout(place))
            });
        }
    }

    /// The limit of the worker's first task may have passed.
    pub(crate) fn run_timer_fired(&mut self, place: usize) {
        let worker = &mut self.fleet[place];
        if let Some(ready) = worker.ready_mut() {
            ready.head.timer = None;
        }
        if let Some(&head) = worker.flight.tasks.front() {
            self.inspect(head);
        }
    }

    /// Asks the driver how far the worker has come with the task.
    pub(crate) fn inspect(&mut self, id: TaskId) {
        let Some(sent) = self.dispatches.of(self.tasks.get(id)) else {
            return;
        };
        let worker = &mut self.fleet[sent.worker];
        if let Some(ready) = worker.ready_mut() {
            ready.head.is_inspected = true;
            self.actions.push_back(Action::Inspect {
                worker: worker.id,
                task: id,
                slot: sent.slot,
                dispatch_id: sent.dispatch_id,
            });
        }
    }

    /// The driver answered.
    pub(crate) fn inspected(&mut self, now: Instant, id: TaskId, state: RunState) {
        let Some(task) = self.tasks.get(id) else {
            return;
        };
        let (Some(sent), Some(limit)) = (self.dispatches.of(Some(task)).copied(), task.timeout())
        else {
            return;
        };
        let is_resolved = task.is_resolved();
        let worker = &mut self.fleet[sent.worker];
        let is_head = worker.flight.tasks.front() == Some(&id);
        let Some(ready) = worker.ready_mut().filter(|_| is_head) else {
            return;
        };
        if !std::mem::take(&mut ready.head.is_inspected) || is_resolved {
            return;
        }
        match state {
            RunState::Unclaimed if !sent.is_claimed => self.not_begun(now, id, sent.worker),
            // It could not be revoked, so this is a lie. It is taken for a start at the dispatch.
            RunState::Unclaimed => self.runs(now, id, sent, limit, sent.at),
            RunState::Running { since } => self.runs(now, id, sent, limit, since),
            RunState::Finished => self.await_result(now, id, sent, limit),
        }
    }

    /// The first task has not begun, though its limit has passed since it was sent.
    fn not_begun(&mut self, now: Instant, id: TaskId, place: usize) {
        let task = self.tasks.get(id);
        let Some(patience) = task.and_then(|task| task.claim_timeout()) else {
            return;
        };
        let Some(ready) = self.fleet[place].ready() else {
            return;
        };
        let until = ready.head.since.checked_add(patience);
        if until.is_none_or(|until| now < until) {
            return self.check_run_at(now, place, until);
        }
        // The tasks behind it have waited enough here, too. They are revoked first, so that this one comes before them in
        // the queue.
        self.revoke_unstarted(now, place, Some(id));
        self.revoke(now, id, RevokeReason::Unbegun);
    }

    /// The worker says that the task runs, and since when. It is believed within limits:
    ///
    /// - A start in the future is taken for now.
    /// - A start before the dispatch gains the worker nothing, since no one asks before the limit has passed since then.
    /// - All items together have as many limits as there are items, from the first start that was told.
    fn runs(&mut self, now: Instant, id: TaskId, sent: Sent, limit: Duration, since: Instant) {
        self.note_claimed(id);
        let since = since.min(now);
        let Some(ready) = self.fleet[sent.worker].ready_mut() else {
            return;
        };
        let first = *ready.head.first_start.get_or_insert(since);
        let items = self.tasks.get(id).map_or(1, |task| task.items.max(1));
        let all = first.checked_add(limit.saturating_mul(items));
        let end = since.checked_add(limit).into_iter().chain(all).min();
        if end.is_none_or(|end| end > now) {
            return self.check_run_at(now, sent.worker, end);
        }
        // Which item that is, is known for certain only when no further item can begin.
        let may_begin_more = self.tasks.get(id).is_some_and(|task| {
            task.items > 1 && task.details().is_none_or(|details| !details.is_fixed)
        });
        match may_begin_more {
            true => self.ask_to_split(id, Part::All),
            false => self.abandon(now, id, Outcome::TimedOut { limit }),
        }
    }

    /// The worker says that the task has finished. If the driver is only late, its result is read soon. A worker that does
    /// not send it is stuck, or lies. It has as long as a worker has to exit.
    fn await_result(&mut self, now: Instant, id: TaskId, sent: Sent, limit: Duration) {
        self.note_claimed(id);
        let Some(ready) = self.fleet[sent.worker].ready_mut() else {
            return;
        };
        if std::mem::replace(&mut ready.head.awaits_result, true) {
            return self.abandon(now, id, Outcome::TimedOut { limit });
        }
        let until = now.checked_add(self.config.stop_timeout);
        self.check_run_at(now, sent.worker, until);
    }
}
