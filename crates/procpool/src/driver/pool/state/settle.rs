//! The ends of tasks: a worker has sent the result, or the scheduler resolves the task with an error.

use std::time::{Duration, Instant};

use procpool_scheduler::{Finished as Feedback, Outcome as Verdict, WorkerId};
use procpool_wire::{DispatchId, Finished, Outcome, Payload};

use super::pool_state::State;
use crate::driver::pool::ending::Ending;
use crate::driver::pool::job::{Job, Sink};
use crate::error::{DecodeError, Panic, TaskError, TimeoutPhase};
use crate::task::cell::TaskEnd;

/// The dispatch for which a worker has sent a result.
enum Completed {
    /// The result ends the task.
    Now(Job),
    /// The task had ended before: it was cancelled or has timed out.
    Late,
    /// The worker was not sent this dispatch. It has broken the protocol and is killed.
    Unknown,
}

impl State {
    /// Handles the result of a task.
    pub(crate) fn handle_finished(&mut self, now: Instant, worker: WorkerId, finished: Finished) {
        let Finished {
            dispatch_id,
            ran,
            needs_recycle,
            outcome,
        } = finished;
        let has_returned = matches!(outcome, Outcome::Returned(_));
        if needs_recycle {
            self.scheduler.handle_needs_recycle(now, worker);
        }
        match self.complete_dispatch(now, worker, dispatch_id, ran, has_returned) {
            Completed::Now(job) => self.settle(job, ran, outcome),
            Completed::Late => {
                if let Outcome::Returned(result) = outcome {
                    self.effects.release(result);
                }
            }
            Completed::Unknown => {}
        }
    }

    /// Handles the small result of a task. The result is copied, so it needs no payload.
    pub(crate) fn handle_returned(
        &mut self,
        now: Instant,
        worker: WorkerId,
        returned: Finished<&[u8]>,
    ) {
        if returned.needs_recycle {
            self.scheduler.handle_needs_recycle(now, worker);
        }
        let completed =
            self.complete_dispatch(now, worker, returned.dispatch_id, returned.ran, true);
        if let Completed::Now(job) = completed {
            self.settle_returned(job, returned);
        }
    }

    #[inline]
    fn complete_dispatch(
        &mut self,
        now: Instant,
        worker: WorkerId,
        dispatch_id: DispatchId,
        ran: Duration,
        has_returned: bool,
    ) -> Completed {
        let entry = self.workers.get_mut(&worker);
        if has_returned
            && entry
                .as_ref()
                .is_some_and(|entry| entry.breaks_off(dispatch_id))
        {
            self.handle_faulty(now, worker, "it ended a chunk before its items");
            return Completed::Unknown;
        }
        let feedback = match entry.and_then(|entry| entry.complete_dispatch(dispatch_id)) {
            Some(task) => self.scheduler.handle_finished(now, worker, task, ran),
            None => Feedback::Unknown,
        };
        match feedback {
            Feedback::Resolved(job) => Completed::Now(job),
            Feedback::Late => Completed::Late,
            Feedback::Unknown => {
                self.handle_faulty(now, worker, "it answered a task that it was not given");
                Completed::Unknown
            }
        }
    }

    fn settle(&mut self, job: Job, ran: Duration, outcome: Outcome) {
        self.effects.release(job.call.args);
        let end = end(outcome);
        match job.sink {
            Sink::Cell(cell) => self.effects.finish.push((cell, end)),
            Sink::Chunk(chunk) => self.settle_chunk(&chunk, ran, end),
        }
    }

    #[inline]
    fn settle_returned(&mut self, job: Job, returned: Finished<&[u8]>) {
        self.effects.release(job.call.args);
        match job.sink {
            Sink::Cell(cell) => self.effects.finish_returned(cell, returned.outcome),
            Sink::Chunk(chunk) => self.settle_chunk(&chunk, returned.ran, Ok(Payload::default())),
        }
    }

    /// Ends a task with an error that the scheduler has decided.
    pub(super) fn fail_task(&mut self, job: Job, verdict: Verdict) {
        let error = self.error(verdict, &job);
        if error.is_pool_closed() {
            self.tally.abandoned += match &job.sink {
                Sink::Cell(_) => 1,
                Sink::Chunk(chunk) => chunk.unanswered() as usize,
            };
        }
        self.effects.release(job.call.args);
        match job.sink {
            Sink::Cell(cell) => self.effects.finish.push((cell, Err(Box::new(error)))),
            Sink::Chunk(chunk) => {
                let timed_out = matches!(verdict, Verdict::TimedOut { .. });
                self.fail_chunk(&chunk, error, timed_out);
            }
        }
    }

    fn error(&self, verdict: Verdict, job: &Job) -> TaskError {
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
}

/// Returns the end of a task whose worker has sent this outcome.
pub(super) fn end(outcome: Outcome) -> TaskEnd {
    Err(Box::new(match outcome {
        Outcome::Returned(result) => return Ok(result),
        Outcome::Panicked(report) => TaskError::Panicked(Panic::new(report)),
        Outcome::ArgsRefused(why) => TaskError::Decode(DecodeError::args(why)),
        Outcome::ResultRefused(why) => TaskError::Decode(DecodeError::result_in_worker(why)),
        Outcome::NoSuchFunction(why) => TaskError::Decode(DecodeError::function(why)),
    }))
}
