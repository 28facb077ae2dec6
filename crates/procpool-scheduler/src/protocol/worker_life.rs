//! A worker from its spawn until it is reaped.

use std::time::{Duration, Instant};

use crate::action::{Action, BroadcastError, Outcome, WarmUpError};
use crate::id::{TaskId, WorkerId};
use crate::policy::start_gate::StartRound;
use crate::state::deadlines::Due;
use crate::state::life::{Life, Ready};
use crate::state::scheduler::{Phase, Scheduler};
use crate::state::worker::Worker;

impl<P> Scheduler<P> {
    pub(crate) fn spawn(&mut self, now: Instant) {
        let id = self.next_worker;
        self.next_worker = id.next();
        let life = Life::Starting {
            timer: None,
            round: self.start_gate.round(),
        };
        let worker = Worker::new(id, life, self.config.window, self.task_limit(id));
        let place = self.fleet.insert(worker);
        if let Life::Starting { timer, .. } = &mut self.fleet[place].life {
            let due = Due::TooSlow(place);
            *timer = self.deadlines.arm(now, self.config.startup_timeout, due);
        }
        self.actions.push_back(Action::Spawn(id));
    }

    /// The worker is ready, unless it was given up meanwhile.
    pub(crate) fn ready(&mut self, now: Instant, place: usize) {
        let Life::Starting { round, .. } = self.fleet[place].life else {
            return;
        };
        let age_limit = self.age_limit(self.fleet[place].id);
        let age_timer = age_limit.and_then(|age| self.deadlines.arm(now, age, Due::TooOld(place)));
        let life = Life::Ready(Ready::new(now, round, age_timer));
        self.fleet[place].enter(life, &mut self.deadlines);
        self.start_gate.ready();
        self.send_broadcasts(now, place);
        self.replace_if_due(place);
        self.fleet.refresh(place);
        self.release_replaced(now);
        self.release_surplus(now);
    }

    /// Once a closed pool has nothing left to do, every worker is stopped. A worker that still runs a resolved task has
    /// until the end of its grace.
    pub(crate) fn stop_when_done(&mut self, now: Instant) {
        if self.phase == Phase::Open || self.open_tasks > 0 {
            return;
        }
        for place in self.fleet.places() {
            let worker = &self.fleet[place];
            let is_live = matches!(worker.life, Life::Starting { .. } | Life::Ready(_));
            if is_live && worker.flight.tasks.is_empty() {
                self.stop(now, place);
            }
        }
    }

    /// Asks a worker with nothing in flight to exit.
    pub(crate) fn stop(&mut self, now: Instant, place: usize) {
        let due = Due::TooSlow(place);
        let timer = self.deadlines.arm(now, self.config.stop_timeout, due);
        let worker = &mut self.fleet[place];
        worker.enter(Life::Stopping { timer }, &mut self.deadlines);
        self.actions.push_back(Action::Stop(worker.id));
        self.drop_broadcasts(place);
        self.fleet.refresh(place);
    }

    pub(crate) fn kill(&mut self, place: usize) {
        let worker = &mut self.fleet[place];
        let unused = worker.life.unused();
        worker.enter(Life::Dying { unused }, &mut self.deadlines);
        let has_tasks = !worker.flight.tasks.is_empty();
        self.actions.push_back(Action::Kill(worker.id));
        if has_tasks {
            // It had not come to the broadcasts behind them.
            self.drop_broadcasts(place);
        }
        self.fleet.refresh(place);
    }

    /// The worker starts, stops, or runs a broadcast too slowly.
    pub(crate) fn too_slow(&mut self, now: Instant, place: usize) {
        let worker = &mut self.fleet[place];
        let id = worker.id;
        match &mut worker.life {
            Life::Starting { timer, .. } | Life::Stopping { timer } => *timer = None,
            Life::Ready(ready) => {
                ready.broadcast_timer = None;
                if let Some(&broadcast) = worker.broadcasts.front() {
                    self.fail_broadcast(broadcast, BroadcastError::TooSlow { worker: id });
                }
            }
            Life::Dying { .. } | Life::Exited { .. } => {}
        }
        self.give_up(now, place);
    }

    /// Kills the worker, but takes back first the tasks that it has not begun.
    pub(crate) fn give_up(&mut self, now: Instant, place: usize) {
        match self.fleet[place].life {
            Life::Starting { round, .. } => {
                self.kill(place);
                self.start_failed(now, self.fleet[place].id, round);
            }
            Life::Ready(_) | Life::Stopping { .. } => {
                self.revoke_unstarted(now, place, None);
                self.kill(place);
            }
            Life::Dying { .. } | Life::Exited { .. } => {}
        }
    }

    /// The process is gone. With `over_limit`, it had passed a limit of the driver's.
    pub(crate) fn exited(&mut self, now: Instant, place: usize, over_limit: bool) {
        let worker = &mut self.fleet[place];
        if matches!(worker.life, Life::Exited { .. }) {
            return;
        }
        let unused = worker.life.unused();
        let life = Life::Exited { unused, over_limit };
        let before = worker.enter(life, &mut self.deadlines);
        let id = worker.id;
        self.fleet.refresh(place);
        match before {
            Life::Starting { round, .. } => {
                self.drop_broadcasts(place);
                self.start_failed(now, id, round);
            }
            _ => self.exited_in_broadcast(place),
        }
        self.revoke_unstarted(now, place, None);
        self.finish_exit(now, place);
    }

    /// Forgets a worker that has exited, once it is known which of its tasks had begun.
    pub(crate) fn finish_exit(&mut self, now: Instant, place: usize) {
        let worker = &self.fleet[place];
        let Life::Exited { unused, over_limit } = worker.life else {
            return;
        };
        if worker.flight.unanswered > 0 {
            return;
        }
        let id = worker.id;
        while let Some(&task) = self.fleet[place].flight.tasks.back() {
            self.settle_share(now, task, Duration::MAX);
            self.complete_dispatch(task);
            self.fail_on_worker_exit(now, id, over_limit, task);
        }
        // If workers go on to exit without having begun a task, that is as good as failing to start.
        if let Some(round) = unused
            && self.start_gate.exited_unused()
        {
            self.start_failed(now, id, round);
        }
        self.fleet.remove(place);
    }

    /// The task's worker died while it ran it.
    fn fail_on_worker_exit(
        &mut self,
        now: Instant,
        worker: WorkerId,
        over_limit: bool,
        id: TaskId,
    ) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let details = task.details_mut();
        details.deaths += 1;
        // It did begin, so its queue timeout was kept.
        self.deadlines.disarm(&mut details.wait_timer);
        let attempts = details.deaths;
        if task.is_resolved() {
            self.tasks.remove(id);
        } else if attempts <= task.spec().retries && !over_limit {
            let pause = self.config.retry_backoff.pause(attempts);
            let details = task.details_mut();
            details.is_pausing = true;
            details.wait_timer = self.deadlines.arm(now, pause, Due::Retry(id));
        } else {
            self.resolve(id, Outcome::WorkerDied { worker, attempts });
        }
    }

    /// The pause before a task runs again is over.
    pub(crate) fn retry(&mut self, now: Instant, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(id) {
            let details = task.details_mut();
            details.wait_timer = None;
            details.is_pausing = false;
            self.requeue(now, id);
        }
    }

    /// A worker failed to start. If no other worker is there to run the tasks that wait, they fail too: it is not known
    /// when a worker will start, if ever.
    fn start_failed(&mut self, now: Instant, worker: WorkerId, round: StartRound) {
        self.start_gate.failed(now, round);
        self.fail_warm_ups(WarmUpError::StartFailed { worker });
        let has_hope = |(_, worker): (usize, &Worker)| worker.is_starting() || worker.accepts();
        if !self.fleet.iter().any(has_hope) {
            self.resolve_waiting(Outcome::StartFailed { worker });
        }
    }

    fn resolve_waiting(&mut self, outcome: Outcome) {
        while let Some(next) = self.next_task() {
            self.queue.pop_front(next, None);
            self.resolve(next.id, outcome);
        }
    }

    /// Kills every worker, and resolves every task.
    pub(crate) fn terminate(&mut self) {
        self.phase = Phase::Terminated;
        self.deny_reservations();
        self.fail_warm_ups(WarmUpError::Closed);
        self.fail_broadcasts(BroadcastError::Closed);
        for place in self.fleet.places() {
            match self.fleet[place].life {
                Life::Starting { .. } | Life::Ready(_) | Life::Stopping { .. } => self.kill(place),
                Life::Dying { .. } | Life::Exited { .. } => {}
            }
        }
        self.resolve_waiting(Outcome::Terminated);
        let in_flight: Vec<_> = self.tasks.ids().collect();
        for id in in_flight {
            self.resolve(id, Outcome::Terminated);
        }
    }

    #[cfg(test)]
    pub(crate) fn armed(&self) -> usize {
        let looks = [
            self.untouched_look,
            self.late_look,
            self.collect_look,
            self.affinity_look,
        ];
        self.deadlines.len() - looks.iter().flatten().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Finished, FunctionKey, TaskSpec};

    #[test]
    fn timers_of_finished_tasks_are_removed() {
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
