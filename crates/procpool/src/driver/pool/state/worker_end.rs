//! The end of a worker.

use std::time::Instant;

use procpool_scheduler::WorkerId;

use super::pool_state::State;
use crate::driver::pool::ending::Ending;
use crate::error::{WorkerExit, WorkerStartError};

impl State {
    /// Handles that a worker was reaped. The caller has handled all events of the worker.
    pub(crate) fn handle_ended(&mut self, now: Instant, worker: WorkerId, ending: Ending) {
        self.save_items(now, worker);
        self.perform(now);
        self.finish_received(now, worker);
        match &ending {
            Ending::NotStarted(_) => self.scheduler.handle_start_failed(now, worker),
            Ending::Exited(exit) if self.is_over_limit(worker, exit) => {
                self.scheduler.handle_exited_over_limit(now, worker);
            }
            Ending::Exited(_) => self.scheduler.handle_exited(now, worker),
        }
        self.ending = Some(ending);
        self.perform(now);
        if let Some(ending) = self.ending.take() {
            self.fail_items_on_exit(worker, &ending);
        }
        if let Some(entry) = self.workers.get_mut(&worker) {
            let retired = (entry.link.take(), entry.source.take());
            self.effects.retired.push(retired);
        }
    }

    /// Returns whether the exit shows that a worker exceeded a limit of one of its tasks. That must be the task that it was
    /// running.
    fn is_over_limit(&mut self, worker: WorkerId, exit: &WorkerExit) -> bool {
        let Some(entry) = self.workers.get(&worker) else {
            return false;
        };
        entry.tasks().any(|task| {
            let job = self.scheduler.payload_mut(task);
            job.is_some_and(|job| self.limits.exceeded(job.limits(), exit).is_some())
        })
    }

    /// Returns the reason why the worker whose end is being handled did not start.
    pub(super) fn start_error(&self) -> WorkerStartError {
        match &self.ending {
            Some(Ending::NotStarted(error)) => error.clone(),
            Some(Ending::Exited(exit)) => WorkerStartError::exited(exit.clone()),
            None => WorkerStartError::timed_out(self.startup_timeout),
        }
    }
}
