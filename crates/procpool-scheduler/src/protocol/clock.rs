//! How long a task has run, and what follows.

use std::time::{Duration, Instant};

use crate::action::{Action, Outcome, Standing};
use crate::id::TaskId;
use crate::state::deadlines::Due;
use crate::state::scheduler::Scheduler;
use crate::state::task::{Sent, Why};
use crate::state::task_details::Part;
use crate::state::worker::{Clock, Stage};

impl<P> Scheduler<P> {
    /// Arms the timer of the worker's head for the earliest moment at which its limit can have passed. It is
    /// nearly always disarmed before that, so this is all that a limit costs.
    ///
    /// That the task is the head only now says nothing of its start: the driver may be late with the result
    /// of the one before.
    pub(crate) fn start_clock(&mut self, now: Instant, place: usize) {
        let Some(&head) = self.fleet[place].in_flight.front() else {
            return;
        };
        if let Some(task) = self.tasks.get(head)
            && !task.is_resolved()
            && let Some(limit) = task.timeout()
            && let Some(sent) = task.sent()
        {
            self.fleet[place].clock = Clock::default();
            self.ring_at(now, place, sent.at.checked_add(limit));
        }
    }

    fn ring_at(&mut self, now: Instant, place: usize, at: Option<Instant>) {
        self.fleet[place].head_timer = at.and_then(|at| {
            self.deadlines
                .arm(now, at.saturating_duration_since(now), Due::Head(place))
        });
    }

    /// The limit of the worker's head may have passed.
    pub(crate) fn clock_rang(&mut self, place: usize) {
        self.fleet[place].head_timer = None;
        if let Some(&head) = self.fleet[place].in_flight.front() {
            self.inspect(head);
        }
    }

    /// Asks how far its worker has come with the task.
    pub(crate) fn inspect(&mut self, id: TaskId) {
        let Some(sent) = self.tasks.get(id).and_then(|task| task.sent()) else {
            return;
        };
        let worker = &mut self.fleet[sent.worker];
        worker.clock.asked = true;
        self.actions.push_back(Action::Inspect {
            worker: worker.id,
            task: id,
            slot: sent.slot,
            dispatch_id: sent.dispatch_id,
        });
    }

    /// The driver answered.
    pub(crate) fn inspected(&mut self, now: Instant, id: TaskId, standing: Standing) {
        let Some(task) = self.tasks.get(id) else {
            return;
        };
        let (Some(sent), Some(limit)) = (task.sent(), task.timeout()) else {
            return;
        };
        let worker = &mut self.fleet[sent.worker];
        let is_head = worker.in_flight.front() == Some(&id);
        if !is_head || !std::mem::take(&mut worker.clock.asked) {
            return;
        }
        if task.is_resolved() || worker.stage != Stage::Ready {
            return;
        }
        match standing {
            Standing::Unclaimed if !sent.claimed => self.unbegun(now, id, sent.worker),
            // It could not be taken back, so this is a lie, and as good as any other.
            Standing::Unclaimed => self.runs(now, id, sent, limit, sent.at),
            Standing::Running { since } => self.runs(now, id, sent, limit, since),
            Standing::Finished => self.awaits(now, id, sent, limit),
        }
    }

    /// The head has not begun, though its limit has passed since it was sent.
    fn unbegun(&mut self, now: Instant, id: TaskId, place: usize) {
        let Some(patience) = self.tasks.get(id).and_then(|task| task.patience()) else {
            return;
        };
        let until = self.fleet[place].head_since.checked_add(patience);
        if until.is_none_or(|until| now < until) {
            return self.ring_at(now, place, until);
        }
        // Those behind it have waited enough here, too. They are taken back first, so that the head comes
        // before them in the queue.
        self.displace(now, place, Some(id));
        self.take(now, id, Why::Unbegun);
    }

    /// The task runs, and says since when. It is believed within limits. A start that has not come is now; one
    /// before it was sent is no use to it, since nobody asks before the limit has passed since then. And
    /// whatever it says later, its items together have no more than their limits, from the first start
    /// that was told: a clock that is restarted again and again comes to its end.
    fn runs(&mut self, now: Instant, id: TaskId, sent: Sent, limit: Duration, since: Instant) {
        self.has_begun(id);
        let since = since.min(now);
        let first = *self.fleet[sent.worker].clock.first.get_or_insert(since);
        let items = self.tasks.get(id).map_or(1, |task| task.items.max(1));
        let all = first.checked_add(limit.saturating_mul(items));
        let end = since.checked_add(limit).into_iter().chain(all).min();
        if end.is_some_and(|end| end <= now) {
            // Which of its items that is, is only known for certain when no further one can begin.
            if self.tasks.get(id).is_some_and(|task| {
                task.items > 1 && task.extras().is_none_or(|extras| !extras.fixed)
            }) {
                return self.ask_for(id, Part::All);
            }
            return self.abandon(now, id, Outcome::TimedOut { limit });
        }
        self.ring_at(now, sent.worker, end);
    }

    /// The task has finished. Its result is read soon, if the driver is only late; a worker that does not
    /// come out with it is stuck, or lies. It has as long as one that was asked to exit.
    fn awaits(&mut self, now: Instant, id: TaskId, sent: Sent, limit: Duration) {
        self.has_begun(id);
        let clock = &mut self.fleet[sent.worker].clock;
        if std::mem::replace(&mut clock.awaited, true) {
            return self.abandon(now, id, Outcome::TimedOut { limit });
        }
        let until = now.checked_add(self.config.stop_timeout);
        self.ring_at(now, sent.worker, until);
    }
}
