//! Time limits: what workers write down of their runs, and what becomes of it.

use std::time::Duration;

use procpool_scheduler::{RunState, TaskId, WorkerId};

use super::World;
use crate::process::{Lie, Mark};

/// A driver's timer is late by a millisecond at most, and it takes a few of them.
const SLACK: Duration = Duration::from_millis(4);

impl World {
    /// Reads what the worker has written, which need not be true.
    pub(super) fn inspect(&mut self, worker: WorkerId, task: TaskId, slot: usize, dispatch: u64) {
        let process = &self.processes[&worker];
        let written = process.page[slot];
        assert_eq!(written.dispatch, dispatch);
        let standing = match (written.mark, written.since, process.lie) {
            (Mark::Claimed | Mark::Finished, _, Some(lie)) => self.lie(lie),
            (Mark::Claimed, Some(since), None) => RunState::Running { since },
            (Mark::Finished, _, None) => RunState::Finished,
            _ => RunState::Unclaimed,
        };
        if self.tell {
            println!("{:>12?}     {standing:?}", self.now - self.start);
        }
        let number = self.numbers[&task];
        // Or taken back, for another reason, in the same moment.
        let was_over = self.tasks[number].end.is_some() || written.in_flight.is_none();
        self.scheduler.handle_inspected(self.now, task, standing);
        if was_over {
            return;
        }
        let limit = self.tasks[number].spec.timeout.expect("it has a limit");
        match standing {
            RunState::Unclaimed => self.see("not begun in its limit"),
            RunState::Running { since } if self.now.saturating_duration_since(since) < limit => {
                self.see("within its limit");
            }
            RunState::Running { .. } => {}
            RunState::Finished => self.see("finished in its limit"),
        }
    }

    fn lie(&mut self, lie: Lie) -> RunState {
        self.see("a lie");
        let far = self.rng.micros(0, 100_000);
        let lies = [
            Lie::Unclaimed,
            Lie::Past,
            Lie::JustBegun,
            Lie::Future,
            Lie::Finished,
        ];
        let lie = match lie {
            Lie::Any => self.rng.pick(&lies),
            lie => lie,
        };
        let since = match lie {
            Lie::Unclaimed | Lie::Any => return RunState::Unclaimed,
            Lie::Finished => return RunState::Finished,
            Lie::Past => self.now - far,
            Lie::JustBegun => self.now,
            Lie::Future => self.now + far,
        };
        RunState::Running { since }
    }

    /// Nobody is timed out before the limit has passed since the run, or its item, began; nor one that has
    /// finished, if its worker delivers the result.
    pub(super) fn had_its_time(&self, number: usize, limit: Duration) {
        let task = &self.tasks[number];
        let &(worker, claimed) = task.claims.last().expect("it has begun");
        let process = &self.processes[&worker];
        if process.lie.is_some() {
            return;
        }
        let written = process.written(task.id).expect("in flight");
        let lasts = self.now - written.since.expect("it has begun");
        match written.mark {
            Mark::Claimed => {
                let all = limit.saturating_mul(task.spec.items.max(1));
                let since_claim = self.now - claimed;
                assert!(
                    lasts >= limit || since_claim >= all,
                    "timed out after {lasts:?}, {since_claim:?} in all"
                );
            }
            Mark::Finished => assert!(
                lasts >= self.plan.config.stop_timeout,
                "timed out with its result on the way"
            ),
            other => panic!("it is {other:?}"),
        }
    }

    /// Nobody runs for longer than it may, and no lie gains more than it can.
    pub(super) fn nobody_overruns(&self) {
        for process in self.processes.values() {
            let Some(run) = process.running.filter(|_| process.is_live()) else {
                continue;
            };
            let task = &self.tasks[self.numbers[&run.task]];
            let (None, Some(limit)) = (task.end, task.spec.timeout) else {
                continue;
            };
            // Each time that it was taken back unbegun, its next worker was given twice as long to begin.
            let patience = limit
                .max(Duration::from_micros(100))
                .saturating_mul(1 << task.revoked.min(20));
            let (since, most) = match process.lie.is_some() {
                true => {
                    let all = limit.saturating_mul(task.spec.items.max(1));
                    (run.since, all.saturating_add(self.plan.config.stop_timeout))
                }
                false => (process.page[run.slot].since.expect("it runs"), limit),
            };
            let lasts = self.now.saturating_duration_since(since);
            let most = most.saturating_add(patience).saturating_add(SLACK);
            assert!(lasts <= most, "{} runs for {lasts:?}", task.id);
        }
    }
}
