//! How workers and tasks end.

use std::time::Instant;

use procpool_scheduler::{Outcome as Verdict, WorkerId};
use procpool_wire::Outcome;

use super::State;
use crate::driver::pool::job::Job;
use crate::error::{DecodeError, Panic, TaskError, TimeoutPhase, WorkerExit, WorkerStartError};
use crate::task::cell::TaskEnd;

/// How a worker ended.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    /// It had been ready.
    Exited(WorkerExit),
    /// It never was.
    NotStarted(WorkerStartError),
}

impl State {
    /// A worker was reaped, and all that it had sent was handled before.
    pub(crate) fn handle_ended(&mut self, now: Instant, worker: WorkerId, ending: Ending) {
        self.save_items(now, worker);
        self.perform(now);
        self.finish_told(now, worker);
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
            self.bereave_items(worker, &ending);
        }
        if let Some(entry) = self.workers.get_mut(&worker) {
            let retired = (entry.link.take(), entry.speaker.take());
            self.effects.retired.push(retired);
        }
    }

    /// Whether a worker that ended had passed a limit of one of its tasks, which must be the one that
    /// it ran.
    pub(super) fn is_over_limit(&mut self, worker: WorkerId, exit: &WorkerExit) -> bool {
        let Some(entry) = self.workers.get(&worker) else {
            return false;
        };
        entry.tasks().any(|task| {
            let job = self.scheduler.payload_mut(task);
            job.is_some_and(|job| self.limits.exceeded(job.limits(), exit).is_some())
        })
    }

    pub(super) fn error(&self, verdict: Verdict, job: &Job) -> TaskError {
        match verdict {
            Verdict::Cancelled => TaskError::Cancelled,
            Verdict::TimedOut { limit } => TaskError::TimedOut {
                phase: TimeoutPhase::Running,
                limit,
            },
            Verdict::QueueTimedOut { limit } => TaskError::TimedOut {
                phase: TimeoutPhase::Queued,
                limit,
            },
            Verdict::Terminated => TaskError::PoolClosed,
            Verdict::WorkerDied { attempts, .. } => match &self.ending {
                Some(Ending::Exited(exit)) => {
                    let exit = exit.clone().of(job.id(), attempts);
                    match self.limits.exceeded(job.limits(), &exit) {
                        Some(exceeded) => TaskError::LimitExceeded(exceeded),
                        None => TaskError::WorkerExited(exit),
                    }
                }
                Some(Ending::NotStarted(error)) => TaskError::WorkerStart(error.clone()),
                None => TaskError::PoolClosed,
            },
            Verdict::StartFailed { .. } => TaskError::WorkerStart(self.start_error()),
        }
    }

    /// Why the worker whose end is being handled did not start.
    pub(super) fn start_error(&self) -> WorkerStartError {
        match &self.ending {
            Some(Ending::NotStarted(error)) => error.clone(),
            Some(Ending::Exited(exit)) => WorkerStartError::exited(exit.clone()),
            None => WorkerStartError::timed_out(self.startup_timeout),
        }
    }
}

pub(super) fn end(outcome: Outcome) -> TaskEnd {
    Err(Box::new(match outcome {
        Outcome::Returned(result) => return Ok(result),
        Outcome::Panicked(report) => TaskError::Panicked(Panic::new(report)),
        Outcome::ArgsRefused(why) => TaskError::Decode(DecodeError::args(why)),
        Outcome::ResultRefused(why) => TaskError::Decode(DecodeError::result_in_worker(why)),
        Outcome::NoSuchFunction(why) => TaskError::Decode(DecodeError::function(why)),
    }))
}
