//! Which worker gets which task.

use std::time::{Duration, Instant};

use crate::action::{Action, Finished};
use crate::id::{AffinityKey, TaskId, WorkerId};
use crate::policy::affinities::Home;
use crate::policy::queue::Next;
use crate::policy::run_time::{FunctionIndex, nanos};
use crate::state::deadlines::Due;
use crate::state::scheduler::Scheduler;
use crate::state::task::{Sent, Why};
use crate::state::worker::Stage;

/// How much expected work may be in flight on a worker for one more task to be sent that will be its next. Beyond
/// this, what it saves the worker is less than a hundredth of it.
const NEXT_AHEAD: Duration = Duration::from_millis(5);

/// How much expected work may be in flight on one worker for a task of several items to be sent after
/// it.
const ITEMS_AHEAD: Duration = Duration::from_millis(5);

impl<P> Scheduler<P> {
    /// Gives tasks to workers, in order, until the first one that no worker has room for.
    pub(crate) fn dispatch_all(&mut self, now: Instant) {
        while let Some(next) = self.next_task() {
            let Some(task) = self.tasks.get(next.id) else {
                return;
            };
            let (function, items, affinity) = (task.function, task.items, task.affinity());
            let chosen = self
                .choose(now, function, items, affinity)
                .or_else(|| self.choose_next(now, function, items));
            let Some(place) = chosen else {
                return;
            };
            let expected = self.history.expected_of(function, items);
            let charged = self.queue.pop_front(next, expected);
            self.dispatch(now, place, next.id, expected, charged);
        }
    }

    /// The first task that waits.
    pub(crate) fn next_task(&mut self) -> Option<Next> {
        let Self {
            queue,
            tasks,
            history,
            ..
        } = self;
        queue.front(|id| tasks.get(id).map(|task| history.expected(task.function)))
    }

    /// An idle worker, or else one that is soon done with what it has, if this is soon done too. Before either,
    /// the one that had the task's key last, in the same circumstances.
    ///
    /// That the least loaded worker has no room for the first task means that no task is sent ahead, so a
    /// queue of any length costs one search an input, and none while its first task is not short.
    pub(crate) fn choose(
        &mut self,
        now: Instant,
        function: FunctionIndex,
        items: u32,
        affinity: Option<AffinityKey>,
    ) -> Option<usize> {
        if let Some(key) = affinity
            && let Some(place) = self.home_with_room(now, function, key)
        {
            return Some(place);
        }
        // While a worker runs its last tasks, its replacement may be ready; together they count once.
        if self.may_another_work()
            && let Some(place) = self.fleet.warmest_idle()
        {
            return Some(place);
        }
        // The pool was made smaller: who is beyond its size must come to an end.
        if self.fleet.busy > self.config.max_workers {
            return None;
        }
        let expected = self.history.expected_of(function, items)?;
        let most = match items {
            0 | 1 => self.config.send_ahead,
            // They are as many as they are because each is short, and can be taken back one by one.
            _ => self.config.send_ahead.max(ITEMS_AHEAD),
        };
        self.fleet.least_loaded(now, expected, nanos(most))
    }

    /// Whether another worker may be given something to do beside those that have.
    pub(crate) fn may_another_work(&self) -> bool {
        self.fleet.busy < self.config.max_workers
    }

    /// For a task that has to wait: the worker that is to be done first and has nothing to run then. It need not be
    /// idle until the result before has come, this process has woken up, and the task has arrived.
    ///
    /// If that worker is late, or another one idle, the task is taken back.
    fn choose_next(&self, now: Instant, function: FunctionIndex, items: u32) -> Option<usize> {
        if self.fleet.busy > self.config.max_workers {
            return None;
        }
        let expected = self.history.expected_of(function, items)?;
        self.fleet
            .least_loaded_alone(now, expected, nanos(NEXT_AHEAD))
    }

    fn dispatch(
        &mut self,
        now: Instant,
        place: usize,
        id: TaskId,
        expected: Option<u64>,
        charged: bool,
    ) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let worker = &mut self.fleet[place];
        if let Some(key) = task.affinity() {
            let worker = worker.id;
            self.affinities.moved(key, Home { place, worker });
        }
        let slot = worker.add(id, expected);
        let is_head = worker.in_flight.len() == 1;
        let is_due = worker.is_due();
        self.last_dispatch_id += 1;
        let dispatch_id = self.last_dispatch_id;
        if let Some(extras) = task.present_extras() {
            (extras.whole, extras.fixed) = (false, false);
        }
        let is_several = task.items > 1;
        self.several += usize::from(is_several);
        task.sent = Some(Box::new(Sent {
            worker: place,
            slot,
            dispatch_id,
            at: now,
            expected,
            charged,
            several: is_several,
            claimed: false,
            revoking: None,
            condemned: None,
        }));
        self.actions.push_back(Action::Dispatch {
            worker: worker.id,
            task: id,
            slot,
            dispatch_id,
        });
        if let (None, Some(patience)) = (self.look, self.config.untouched_timeout) {
            self.look = self.deadlines.arm(now, patience, Due::Look);
        }
        if !is_head || is_several {
            self.watch_for_late_tasks(now);
        }
        if self.may_hold_back(place) {
            self.watch_results(now);
        }
        if is_due {
            self.retire_when_due(place);
        }
        if is_head {
            self.head_changed(now, place);
        }
        self.fleet.refresh(place);
    }

    /// A result came.
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
        let Some(place) = task.sent.as_ref().map(|sent| sent.worker) else {
            return Finished::Unknown;
        };
        let sender = &mut self.fleet[place];
        if sender.id != worker || sender.stage == Stage::Exited {
            return Finished::Unknown;
        }
        sender.untried = false;
        sender.silent = Duration::ZERO;
        if self.queue.is_shared(task.seat()) {
            self.settle_share(now, id, ran);
        }
        let was_head = self.unsend(id);
        self.gate.worked();
        if self.may_hold_back(place) {
            self.fleet[place].heard = true;
            self.watch_results(now);
        }
        let Some(task) = self.tasks.get_mut(id) else {
            return Finished::Unknown;
        };
        if let Some(extras) = task.present_extras() {
            extras.disarm(&mut self.deadlines);
        }
        let (payload, function, items) = (task.payload.take(), task.function, task.items);
        self.tasks.discard(id);
        self.vacated(now, place, was_head);
        match payload {
            Some(payload) => {
                self.open_tasks -= 1;
                let each = match items {
                    1 => Some(ran),
                    items => ran.checked_div(items),
                };
                if let Some(each) = each {
                    self.history.record(function, each);
                }
                Finished::Resolved(payload)
            }
            None => Finished::Late,
        }
    }

    /// Takes the task out of its worker's flight. True if it was the head there. The caller then decides what
    /// becomes of the task, and calls [`vacated`](Self::vacated).
    pub(crate) fn unsend(&mut self, id: TaskId) -> bool {
        let Some(task) = self.tasks.get_mut(id) else {
            return false;
        };
        let Some(sent) = task.sent.take() else {
            return false;
        };
        self.several -= usize::from(sent.several);
        let extras = task.present_extras();
        if extras.is_some_and(|extras| extras.asked.take().is_some()) {
            self.shortening -= 1;
        }
        let worker = &mut self.fleet[sent.worker];
        if sent.revoking.is_some() {
            worker.unanswered -= 1;
            self.revoking -= 1;
        }
        if task.is_resolved() {
            worker.graces = worker.graces.saturating_sub(1);
        }
        worker.remove(id, sent.slot, sent.expected)
    }

    /// A task leaves its worker's flight after a run of `ran`, as the worker says: its share has had no more
    /// than the time since the dispatch.
    pub(crate) fn settle_share(&mut self, now: Instant, id: TaskId, ran: Duration) {
        if let Some(task) = self.tasks.get(id)
            && let Some(sent) = task.sent()
        {
            let charged = sent.charged.then_some(sent.expected);
            let used = ran.min(now.saturating_duration_since(sent.at));
            self.queue.settle(now, task.seat(), sent.at, charged, used);
        }
    }

    /// A task left the worker's flight.
    pub(crate) fn vacated(&mut self, now: Instant, place: usize, was_head: bool) {
        if was_head {
            self.head_changed(now, place);
        }
        let worker = &mut self.fleet[place];
        if worker.in_flight.is_empty() {
            if worker.stage == Stage::Ready {
                if worker.silent >= self.config.stop_timeout {
                    self.kill(place);
                    // Stuck before its task, it had not come to what it was to run after that.
                    return self.excuse(place);
                }
                if !worker.accepts() {
                    return self.stop(now, place);
                }
            }
            worker.idle_since = now;
            self.briefing_begins(now, place);
        }
        self.fleet.refresh(place);
    }

    /// Another task is the first of the worker's flight: it may begin now, if it has not before.
    pub(crate) fn head_changed(&mut self, now: Instant, place: usize) {
        let worker = &mut self.fleet[place];
        self.deadlines.disarm(&mut worker.head_timer);
        if worker.stage != Stage::Ready {
            return;
        }
        worker.head_since = now;
        self.start_clock(now, place);
    }

    /// Moves a task that was sent ahead to a worker that has nothing to do.
    ///
    /// One at a time: its answer settles the pool again. It ends, because a task that is taken back becomes a
    /// head, and one that is not is never asked for again.
    pub(crate) fn rebalance(&mut self, now: Instant) {
        let free = self.fleet.idle() > 0 && self.fleet.busy < self.config.max_workers;
        let movable = self.fleet.ahead > 0 || self.several > 0;
        if !movable || !free || !self.queue.is_empty() {
            return;
        }
        let last = |id: TaskId| {
            let sent = self.tasks.get(id)?.sent()?;
            (!sent.claimed).then_some(id)
        };
        let slowest = self
            .fleet
            .iter()
            .filter(|(_, worker)| worker.stage == Stage::Ready && worker.in_flight.len() > 1);
        let candidates = slowest.filter_map(|(place, worker)| {
            let id = last(*worker.in_flight.back()?)?;
            Some((place, worker.load, id))
        });
        let mut waits_at_home = false;
        let elsewhere = candidates.filter(|&(place, _, id)| {
            let is_at_home = self.is_at_home(now, place, id);
            waits_at_home |= is_at_home;
            !is_at_home
        });
        if let Some((_, _, id)) = elsewhere.max_by_key(|&(_, load, _)| load) {
            self.take(now, id, Why::Rebalance);
        } else if waits_at_home {
            self.look_again(now);
        } else {
            self.steal();
        }
    }
}
