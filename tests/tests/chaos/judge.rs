//! Checks whether the outcome of a task is possible.

use procpool::{TaskError, TimeoutPhase, WorkerExit};
use procpool_tests::{Manner, Side, Step};

use crate::deed::{Deed, last_words};
use crate::intent::{Fate, Snare};
use crate::plan::Plan;
use crate::record::Run;
use crate::storm::{End, Story};

/// How long after it was given up a task's function may still record its start, in microseconds: its worker
/// has been killed by then, but a signal takes a moment.
const AFTERMATH: u64 = 250_000;

/// Checks one task, and returns a name for its outcome.
pub(crate) fn judge(plan: &Plan, story: &Story, runs: &[Run]) -> Result<&'static str, String> {
    let case = Case { plan, story, runs };
    case.check_runs()?;
    match &story.end {
        End::Returned => case.returned(),
        End::Failed(error) => case.failed(error),
        End::Dropped => Ok("dropped"),
        End::Detached => case.detached(),
        End::Entrusted => Ok("entrusted"),
    }
}

#[derive(Debug, Clone, Copy)]
struct Case<'a> {
    plan: &'a Plan,
    story: &'a Story,
    runs: &'a [Run],
}

impl Case<'_> {
    /// Checks what holds for every outcome.
    fn check_runs(self) -> Result<(), String> {
        let Case { story, runs, .. } = self;
        ensure(runs.len() <= story.intent.most_runs(), "it ran too often")?;
        ensure(
            !story.withdrawn || runs.is_empty(),
            "it was withdrawn and ran",
        )?;
        let is_told = matches!(story.end, End::Failed(TaskError::Cancelled));
        ensure(!story.withdrawn || is_told, "it was withdrawn and not told")?;
        if let (Some(given_up), None) = (story.given_up, story.intent.limits.grace) {
            let latest = runs.iter().map(|run| run.began).max().unwrap_or(0);
            ensure(latest <= given_up + AFTERMATH, "it was given up and began")?;
        }
        if !self.plan.is_bloody() && !self.is_deadly() {
            ensure(
                runs.len() <= 1,
                "it ran again, and no worker had died of it",
            )?;
        }
        let before_it_runs = matches!(
            story.intent.snare,
            Some(
                Snare {
                    side: Side::Parent,
                    step: Step::Serialize,
                    ..
                } | Snare {
                    side: Side::Worker,
                    step: Step::Deserialize,
                    ..
                }
            )
        );
        ensure(
            !before_it_runs || runs.is_empty(),
            "it ran without arguments",
        )
    }

    /// Returns whether a death of its worker is caused by the task.
    fn is_deadly(self) -> bool {
        self.story.intent.deed.is_deadly() || self.is_untold_hog()
    }

    /// Without the message on stderr, a failed allocation can't be distinguished from another abort.
    fn is_untold_hog(self) -> bool {
        matches!(self.story.intent.deed, Deed::Hog { .. }) && !self.plan.pool.keeps_stderr()
    }

    fn returned(self) -> Result<&'static str, String> {
        let intent = &self.story.intent;
        ensure(intent.deed.returns(), "it can't have returned")?;
        ensure(intent.snare.is_none(), "its value can't have come through")?;
        ensure(!self.runs.is_empty(), "it has a result and never ran")?;
        let once = intent.limits.retries == 0 || !self.plan.is_bloody();
        ensure(!once || self.runs.len() == 1, "it ran again")?;
        Ok("returned")
    }

    /// Checks that the task ran although its result was not awaited, if all accepted tasks are finished.
    fn detached(self) -> Result<&'static str, String> {
        let limits = &self.story.intent.limits;
        let must_run = self.plan.is_graceful()
            && !self.plan.is_bloody()
            && self.story.accepted
            && self.story.intent.snare.is_none()
            && limits.timeout.is_none()
            && limits.queue_timeout.is_none();
        ensure(!must_run || !self.runs.is_empty(), "it was forgotten")?;
        Ok("detached")
    }

    fn failed(self, error: &TaskError) -> Result<&'static str, String> {
        let Case { plan, story, runs } = self;
        let (intent, limits) = (&story.intent, &story.intent.limits);
        let snare = intent.snare;
        let told = error.to_string();
        ensure(told.lines().count() == 1, "its error is not one line")?;
        match error {
            TaskError::Panicked(panic) => {
                let trapped = snare.is_some_and(|snare| {
                    snare.side == Side::Worker && snare.manner != Manner::Error
                });
                let said = panic.message() == last_words(story.task);
                ensure(
                    trapped || (intent.deed == Deed::Panic && said),
                    "no such panic",
                )?;
                Ok("panicked")
            }
            TaskError::WorkerExited(exit) => {
                self.worker_exited(exit)?;
                Ok("worker exited")
            }
            TaskError::TimedOut { phase, limit, .. } => match phase {
                TimeoutPhase::Queued => {
                    ensure(limits.queue_timeout == Some(*limit), "no such limit")?;
                    ensure(runs.is_empty(), "it timed out in the queue and ran")?;
                    Ok("timed out queued")
                }
                _ => {
                    ensure(limits.timeout == Some(*limit), "no such limit")?;
                    Ok("timed out running")
                }
            },
            TaskError::Cancelled => {
                let by_caller = matches!(intent.fate, Fate::AbortAfter(_) | Fate::LeaveToOthers);
                ensure(by_caller || story.withdrawn, "nobody cancelled it")?;
                Ok("cancelled")
            }
            TaskError::QueueFull => {
                ensure(plan.pool.capacity.is_some(), "the queue has no end")?;
                ensure(!story.accepted && runs.is_empty(), "it was refused late")?;
                Ok("refused: queue full")
            }
            TaskError::PoolClosed if !story.accepted && runs.is_empty() => Ok("refused: closed"),
            TaskError::PoolClosed => {
                ensure(!plan.is_graceful(), "it was accepted and not done")?;
                Ok("broken off")
            }
            TaskError::WorkerStart(_) => {
                ensure(plan.is_bloody(), "nobody kept workers from starting")?;
                Ok("worker start")
            }
            TaskError::LimitExceeded(exceeded) => {
                let cpu = intent.deed == Deed::Spin && exceeded.cpu_time_limit() == limits.cpu_time;
                let least = [limits.memory, plan.pool.memory]
                    .into_iter()
                    .flatten()
                    .min();
                let is_hog = matches!(intent.deed, Deed::Hog { .. });
                let memory = is_hog && exceeded.memory_limit() == least;
                ensure(cpu || memory, "it kept to its limits")?;
                ensure(
                    runs.len() == 1 || plan.is_bloody(),
                    "a limit is no death to be retried",
                )?;
                match cpu {
                    true => Ok("CPU time exceeded"),
                    false => Ok("memory exceeded"),
                }
            }
            TaskError::Encode(_) => {
                let expected = (Side::Parent, Step::Serialize);
                ensure(
                    snare.is_some_and(|snare| (snare.side, snare.step) == expected),
                    "it can be encoded",
                )?;
                Ok("encode")
            }
            TaskError::Decode(_) => {
                let expected = snare.is_some_and(|snare| {
                    snare.manner == Manner::Error
                        && (snare.side, snare.step) != (Side::Parent, Step::Serialize)
                });
                ensure(expected, "it can be decoded")?;
                Ok("decode")
            }
            _ => Err("no such error".to_owned()),
        }
    }

    fn worker_exited(self, exit: &WorkerExit) -> Result<(), String> {
        let Case { plan, story, runs } = self;
        let (deed, limits) = (story.intent.deed, &story.intent.limits);
        let by_task = deed.ends_as(exit.code(), exit.signal());
        let untold = self.is_untold_hog() && exit.signal() == Some(6);
        let by_killer = plan.is_bloody() && matches!(exit.signal(), Some(9 | 15));
        ensure(by_task || untold || by_killer, "a bystander's worker died")?;
        ensure(
            exit.attempts() <= limits.retries + 1,
            "it was retried too often",
        )?;
        if plan.is_bloody() {
            return Ok(());
        }
        ensure(exit.attempts() == limits.retries + 1, "it was not retried")?;
        ensure(
            runs.len() == exit.attempts() as usize,
            "not every death was a run",
        )?;
        let last = runs.last().map(|run| run.pid);
        ensure(last == Some(exit.pid()), "another worker died")?;
        if deed == Deed::Abort && plan.pool.keeps_stderr() {
            let said = exit.stderr_tail().contains(&last_words(story.task));
            ensure(said, "its last words are lost")?;
        }
        Ok(())
    }
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), String> {
    match holds {
        true => Ok(()),
        false => Err(otherwise.to_owned()),
    }
}
