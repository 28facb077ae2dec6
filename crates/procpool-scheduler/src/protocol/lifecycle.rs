//! Workers from spawn to burial.

use std::time::{Duration, Instant};

use crate::action::{Action, Cold, Outcome, Unspread};
use crate::id::{TaskId, WorkerId};
use crate::state::deadlines::Due;
use crate::state::scheduler::{Phase, Scheduler};
use crate::state::worker::{Stage, Worker};

impl<P> Scheduler<P> {
    pub(crate) fn spawn(&mut self, now: Instant) {
        let id = self.next_worker;
        self.next_worker = id.next();
        let limit = self.task_limit(id);
        let worker = Worker::new(id, now, self.config.window, limit, self.gate.round());
        let place = self.fleet.insert(worker);
        self.fleet[place].timer =
            self.deadlines
                .arm(now, self.config.startup_timeout, Due::Worker(place));
        self.actions.push_back(Action::Spawn(id));
    }

    /// Workers that started together would reach the same limit together, and the pool would be empty while
    /// they are replaced. So each has its own, up to half of it less.
    fn task_limit(&self, id: WorkerId) -> u64 {
        self.config.max_tasks_per_worker.map_or(u64::MAX, |most| {
            most.get() - id.as_u64() % 8 * (most.get() / 16)
        })
    }

    /// The worker has lived long enough.
    pub(crate) fn aged(&mut self, place: usize) {
        self.fleet[place].age_timer = None;
        self.wear(place);
    }

    /// The worker is to be replaced when there is a chance.
    pub(crate) fn wear(&mut self, place: usize) {
        if self.is_ready(place) {
            self.fleet[place].worn = true;
            self.fleet.refresh(place);
        }
    }

    /// Starts to replace worn workers, as many as may be replaced at once.
    pub(crate) fn retire_worn(&mut self) {
        while self.phase == Phase::Open && self.fleet.worn > 0 {
            let is_worn = |(_, worker): &(usize, &Worker)| {
                worker.stage == Stage::Ready && worker.worn && !worker.retiring
            };
            let Some((place, _)) = self.fleet.iter().find(is_worn) else {
                return;
            };
            self.retire_when_due(place);
            if !self.fleet[place].retiring {
                return;
            }
            self.fleet.refresh(place);
        }
    }

    /// Workers that started together would be too old together, too.
    fn most_age(&self, id: WorkerId) -> Option<Duration> {
        let most = self.config.max_age?;
        Some(most - most / 64 * (id.as_u64() % 8) as u32)
    }

    /// Starts to replace a worker that is near its limit, so that its replacement is ready when it is
    /// reached. A quarter of the pool at a time, because these workers are there in addition.
    pub(crate) fn retire_when_due(&mut self, place: usize) {
        let at_once = (self.config.max_workers / 4).max(1);
        let worker = &mut self.fleet[place];
        if !worker.retiring && worker.is_due() && self.fleet.retiring < at_once {
            self.fleet[place].retiring = true;
        }
    }

    pub(crate) fn ready(&mut self, now: Instant, place: usize) {
        let worker = &mut self.fleet[place];
        if worker.stage != Stage::Starting {
            return;
        }
        worker.stage = Stage::Ready;
        worker.untried = true;
        worker.idle_since = now;
        self.deadlines.disarm(&mut worker.timer);
        let id = worker.id;
        if let Some(most) = self.most_age(id) {
            self.fleet[place].age_timer = self.deadlines.arm(now, most, Due::Age(place));
        }
        self.gate.ready();
        self.brief(now, place);
        self.retire_when_due(place);
        self.fleet.refresh(place);
        self.relieve(now);
        self.relieve_surplus(now);
    }

    /// One of those that are to be replaced takes nothing more, since another is there in its place.
    /// False if there is none.
    pub(crate) fn relieve(&mut self, now: Instant) -> bool {
        if self.fleet.retiring == 0 {
            return false;
        }
        let retiring = self
            .fleet
            .iter()
            .find(|(_, worker)| worker.stage == Stage::Ready && worker.retiring && !worker.closed);
        let Some((place, worker)) = retiring else {
            return false;
        };
        let is_idle = worker.in_flight.is_empty();
        self.fleet[place].closed = true;
        if is_idle {
            self.stop(now, place);
        } else {
            self.fleet.refresh(place);
        }
        true
    }

    /// Once a closed pool has nothing left to do, every worker is stopped; those that still run a
    /// task that nobody awaits have until the end of its grace.
    pub(crate) fn stop_when_done(&mut self, now: Instant) {
        if self.phase == Phase::Open || self.open_tasks > 0 {
            return;
        }
        for place in self.fleet.places() {
            let worker = &self.fleet[place];
            if matches!(worker.stage, Stage::Starting | Stage::Ready) && worker.in_flight.is_empty()
            {
                self.stop(now, place);
            }
        }
    }

    /// Asks a worker with nothing in flight to exit.
    pub(crate) fn stop(&mut self, now: Instant, place: usize) {
        let worker = &mut self.fleet[place];
        self.deadlines.disarm(&mut worker.timer);
        self.deadlines.disarm(&mut worker.age_timer);
        worker.stage = Stage::Stopping;
        worker.untried = false;
        worker.timer = self
            .deadlines
            .arm(now, self.config.stop_timeout, Due::Worker(place));
        self.actions.push_back(Action::Stop(worker.id));
        self.excuse(place);
        self.fleet.refresh(place);
    }

    /// Kills the worker, but first saves from it what it has not begun.
    fn save_and_kill(&mut self, now: Instant, place: usize) {
        self.displace(now, place, None);
        self.kill(place);
    }

    pub(crate) fn kill(&mut self, place: usize) {
        let worker = &mut self.fleet[place];
        self.deadlines.disarm(&mut worker.timer);
        self.deadlines.disarm(&mut worker.head_timer);
        self.deadlines.disarm(&mut worker.age_timer);
        worker.stage = Stage::Dying;
        let has_tasks = !worker.in_flight.is_empty();
        self.actions.push_back(Action::Kill(worker.id));
        if has_tasks {
            // It had not come to what it was to run after them.
            self.excuse(place);
        }
        self.fleet.refresh(place);
    }

    /// The worker's own timer fired.
    pub(crate) fn too_slow(&mut self, now: Instant, place: usize) {
        let worker = &mut self.fleet[place];
        worker.timer = None;
        if worker.stage == Stage::Ready
            && let Some(&broadcast) = worker.briefings.front()
        {
            let worker = worker.id;
            self.fail_broadcast(broadcast, Unspread::TooSlow { worker });
        }
        self.give_up(now, place);
    }

    pub(crate) fn give_up(&mut self, now: Instant, place: usize) {
        let worker = &self.fleet[place];
        match worker.stage {
            Stage::Starting => {
                self.kill(place);
                self.start_failed(now, place);
            }
            Stage::Ready | Stage::Stopping => self.save_and_kill(now, place),
            Stage::Dying | Stage::Exited => {}
        }
    }

    /// The process is gone.
    pub(crate) fn exited(&mut self, now: Instant, place: usize) {
        let worker = &mut self.fleet[place];
        self.deadlines.disarm(&mut worker.timer);
        self.deadlines.disarm(&mut worker.head_timer);
        self.deadlines.disarm(&mut worker.age_timer);
        let stage = worker.stage;
        if stage == Stage::Exited {
            return;
        }
        worker.stage = Stage::Exited;
        self.fleet.refresh(place);
        self.unbriefed(place, stage);
        if stage == Stage::Starting {
            self.start_failed(now, place);
        }
        self.displace(now, place, None);
        self.all_answered(now, place);
    }

    /// Goes on with the end of a worker, if it is known what it has begun of what it was sent.
    pub(crate) fn all_answered(&mut self, now: Instant, place: usize) {
        let worker = &self.fleet[place];
        if worker.unanswered > 0 {
            return;
        }
        if worker.stage == Stage::Exited {
            self.bury(now, place);
        }
    }

    /// Nothing more will be heard of the worker or from it. What it still has, it had begun.
    pub(crate) fn bury(&mut self, now: Instant, place: usize) {
        while let Some(&task) = self.fleet[place].in_flight.back() {
            self.settle_share(now, task, Duration::MAX);
            self.unsend(task);
            self.died(now, place, task);
        }
        // It was ready in vain. If that goes on, it is as good as failing to start.
        if self.fleet[place].untried && self.gate.died_barren() {
            self.start_failed(now, place);
        }
        self.fleet.remove(place);
    }

    /// The task's worker died while it ran it.
    fn died(&mut self, now: Instant, place: usize, id: TaskId) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let extras = task.extras_mut();
        extras.deaths += 1;
        // It did begin, so its queue limit is kept.
        self.deadlines.disarm(&mut extras.timer);
        let attempts = extras.deaths;
        let worker = &self.fleet[place];
        if task.is_resolved() {
            self.tasks.remove(id);
        } else if attempts <= task.spec().retries && !worker.over_limit {
            let pause = self.config.retry_backoff.pause(attempts);
            let extras = task.extras_mut();
            extras.pausing = true;
            extras.timer = self.deadlines.arm(now, pause, Due::Retry(id));
        } else {
            let worker = worker.id;
            self.resolve(id, Outcome::WorkerDied { worker, attempts });
        }
    }

    /// The pause before a task runs again is over.
    pub(crate) fn paused(&mut self, now: Instant, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(id) {
            let extras = task.extras_mut();
            extras.timer = None;
            extras.pausing = false;
            self.requeue(now, id);
        }
    }

    /// The worker at `place` is no longer live and never was of use. If nobody else is there to run
    /// the tasks that wait, they are told; the pool would not know when, if ever, it can.
    fn start_failed(&mut self, now: Instant, place: usize) {
        let (worker, round) = (self.fleet[place].id, self.fleet[place].round);
        self.gate.failed(now, round);
        self.fail_warm_ups(Cold::StartFailed { worker });
        let hope =
            |(_, worker): (usize, &Worker)| worker.stage == Stage::Starting || worker.accepts();
        if self.fleet.iter().any(hope) {
            return;
        }
        while let Some(next) = self.next_task() {
            self.queue.pop_front(next, None);
            self.resolve(next.id, Outcome::StartFailed { worker });
        }
    }

    pub(crate) fn terminate(&mut self) {
        self.phase = Phase::Terminated;
        self.disband_line();
        self.fail_warm_ups(Cold::Closed);
        self.fail_broadcasts(Unspread::Closed);
        for place in self.fleet.places() {
            match self.fleet[place].stage {
                Stage::Starting | Stage::Ready | Stage::Stopping => self.kill(place),
                Stage::Dying | Stage::Exited => {}
            }
        }
        while let Some(next) = self.next_task() {
            self.queue.pop_front(next, None);
            self.resolve(next.id, Outcome::Terminated);
        }
        let in_flight: Vec<_> = self.tasks.ids().collect();
        for id in in_flight {
            self.resolve(id, Outcome::Terminated);
        }
    }

    #[cfg(test)]
    pub(crate) fn armed(&self) -> usize {
        self.deadlines.len()
            - usize::from(self.look.is_some())
            - usize::from(self.late_look.is_some())
            - usize::from(self.watches_results())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Config, Finished, FunctionKey, TaskSpec};

    #[test]
    fn timers_of_finished_tasks_leave_nothing_behind() {
        let mut scheduler = Scheduler::new(Config::default());
        let now = Instant::now();
        scheduler.handle_start(now);
        scheduler.handle_ready(now, WorkerId::FIRST);
        let idle = scheduler.armed();
        let limit = Some(Duration::from_secs(60));
        let spec = TaskSpec {
            timeout: limit,
            queue_timeout: limit,
            ..TaskSpec::new(FunctionKey(1))
        };
        for _ in 0..1_000 {
            let tasks: Vec<_> = (0..100)
                .map(|_| scheduler.handle_submit(now, spec, ()).unwrap())
                .collect();
            for &id in &tasks {
                scheduler.handle_cancel_at(now, id, now.checked_add(Duration::from_secs(60)));
            }
            for id in tasks {
                let end = scheduler.handle_finished(now, WorkerId::FIRST, id, Duration::ZERO);
                assert!(matches!(end, Finished::Resolved(())));
            }
            while scheduler.poll_action().is_some() {}
        }
        assert_eq!(scheduler.armed(), idle);
    }
}
