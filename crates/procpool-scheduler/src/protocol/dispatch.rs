//! A task on its way to a worker and back.

use std::time::{Duration, Instant};

use crate::action::{Action, Finished};
use crate::id::{TaskId, WorkerId};
use crate::policy::affinity::Home;
use crate::state::deadlines::Due;
use crate::state::life::{Head, Life};
use crate::state::scheduler::Scheduler;
use crate::state::task::Sent;

impl<P> Scheduler<P> {
    /// Sends the task to the worker, of which `expected` nanoseconds may have been charged to its share.
    pub(crate) fn dispatch(
        &mut self,
        now: Instant,
        place: usize,
        id: TaskId,
        expected: Option<u64>,
        is_charged: bool,
    ) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let worker = &mut self.fleet[place];
        if let Some(key) = task.affinity() {
            let worker = worker.id;
            self.affinities.moved(key, Home { place, worker });
        }
        let slot = worker.flight.add(id, expected);
        worker.quota.used += 1;
        let is_head = worker.flight.tasks.len() == 1;
        let needs_recycle = worker.needs_recycle();
        self.last_dispatch_id += 1;
        let dispatch_id = self.last_dispatch_id;
        if let Some(details) = task.present_details() {
            (details.is_indivisible, details.is_fixed) = (false, false);
        }
        let had_items = task.items > 1;
        self.tasks_with_items += usize::from(had_items);
        task.sent = Some(self.dispatches.insert(Sent {
            worker: place,
            slot,
            dispatch_id,
            at: now,
            expected,
            is_charged,
            had_items,
            is_claimed: false,
            revoking: None,
            pending_kill: None,
        }));
        self.actions.push_back(Action::Dispatch {
            worker: worker.id,
            task: id,
            slot,
            dispatch_id,
        });
        if needs_recycle {
            self.replace_if_due(place);
        }
        if is_head {
            self.head_changed(now, place);
        }
        self.arm_looks(now, place, !is_head || had_items);
        self.fleet.refresh(place);
    }

    /// Has the workers looked at later, as far as the task that the worker was sent calls for it.
    #[inline]
    fn arm_looks(&mut self, now: Instant, place: usize, may_wait_for_late: bool) {
        if let (None, Some(patience)) = (self.untouched_look, self.config.untouched_timeout) {
            self.untouched_look = self.deadlines.arm(now, patience, Due::Untouched);
        }
        if may_wait_for_late {
            self.watch_for_late_tasks(now);
        }
        if self.may_hold_back(place) {
            self.watch_results(now);
        }
    }

    /// The worker sent the result of the task.
    pub(crate) fn finish(
        &mut self,
        now: Instant,
        worker: WorkerId,
        id: TaskId,
        ran: Duration,
    ) -> Finished<P> {
        let Some(task) = self.tasks.get(id) else {
            return Finished::Unknown;
        };
        let Some(place) = self.dispatches.of(Some(task)).map(|sent| sent.worker) else {
            return Finished::Unknown;
        };
        let sender = &mut self.fleet[place];
        if sender.id != worker || matches!(sender.life, Life::Exited { .. }) {
            return Finished::Unknown;
        }
        sender.life.has_begun_task();
        if self.queue.is_shared(task.queue_key()) {
            self.settle_share(now, id, ran);
        }
        let was_head = self.complete_dispatch(id);
        self.start_gate.worked();
        self.note_result(now, place);
        let Some(task) = self.tasks.get_mut(id) else {
            return Finished::Unknown;
        };
        if let Some(details) = task.present_details() {
            details.disarm(&mut self.deadlines);
        }
        let (payload, function, items) = (task.payload.take(), task.function, task.items);
        self.tasks.discard(id);
        self.flight_changed(now, place, was_head);
        let Some(payload) = payload else {
            return Finished::Late;
        };
        self.open_tasks -= 1;
        let each = match items {
            1 => Some(ran),
            items => ran.checked_div(items),
        };
        if let Some(each) = each {
            self.run_times.record(function, each);
        }
        Finished::Resolved(payload)
    }

    /// Removes the task from its worker's flight. True if it was the first there. The caller then decides what becomes
    /// of the task, and calls [`flight_changed`](Self::flight_changed).
    pub(crate) fn complete_dispatch(&mut self, id: TaskId) -> bool {
        let Some(task) = self.tasks.get_mut(id) else {
            return false;
        };
        let Some(sent) = self.dispatches.take(task) else {
            return false;
        };
        self.tasks_with_items -= usize::from(sent.had_items);
        let details = task.present_details();
        if details.is_some_and(|details| details.splitting.take().is_some()) {
            self.splitting -= 1;
        }
        let flight = &mut self.fleet[sent.worker].flight;
        if sent.revoking.is_some() {
            flight.unanswered -= 1;
            self.revoking -= 1;
        }
        if task.is_resolved() {
            flight.resolved = flight.resolved.saturating_sub(1);
        }
        flight.remove(id, sent.slot, sent.expected)
    }

    /// A task leaves its worker after a run of `ran`, as the worker says. Its share is charged for no more than the time
    /// since the dispatch.
    pub(crate) fn settle_share(&mut self, now: Instant, id: TaskId, ran: Duration) {
        if let Some(task) = self.tasks.get(id)
            && let Some(sent) = self.dispatches.of(Some(task))
        {
            let charged = sent.is_charged.then_some(sent.expected);
            let used = ran.min(now.saturating_duration_since(sent.at));
            self.queue
                .settle(now, task.queue_key(), sent.at, charged, used);
        }
    }

    /// A task left the worker's flight.
    pub(crate) fn flight_changed(&mut self, now: Instant, place: usize, was_head: bool) {
        if was_head {
            self.head_changed(now, place);
        }
        let worker = &mut self.fleet[place];
        if worker.flight.tasks.is_empty()
            && let Life::Ready(ready) = &mut worker.life
        {
            ready.idle_since = now;
            if ready.silent >= self.config.stop_timeout {
                self.kill(place);
                // It is stuck before its task, and will not come to the broadcasts behind that.
                return self.drop_broadcasts(place);
            }
            if !self.fleet[place].accepts() {
                return self.stop(now, place);
            }
            self.broadcast_begins(now, place);
        }
        self.fleet.refresh(place);
    }

    /// Another task is the first of the worker's flight. It may begin now, if it has not before.
    pub(crate) fn head_changed(&mut self, now: Instant, place: usize) {
        if let Some(ready) = self.fleet[place].ready_mut() {
            self.deadlines.disarm(&mut ready.head.timer);
            ready.head = Head::new(now);
            self.start_run_clock(now, place);
        }
    }
}
