//! Tasks of several items, of which some are taken back from the worker that has them.

use procpool_scheduler::{TaskSpec, WorkerId};

use super::{Payload, World};
use crate::process::{Frame, Mark};

impl World {
    /// Takes back what the worker has not begun of the task, or half of it, and answers.
    pub(super) fn shorten(&mut self, worker: WorkerId, frame: Frame, all: bool) {
        let number = self.numbers[&frame.task];
        let before = self.tasks[number].spec.items;
        let process = self.processes.get_mut(&worker).expect("a known worker");
        let slot = process.page[frame.slot];
        let is_there = (slot.dispatch, slot.in_flight) == (frame.dispatch, Some(frame.task));
        let unbegun = match (slot.mark, &process.running) {
            (Mark::Sent, _) => before,
            (Mark::Claimed, Some(run)) if run.task == frame.task => run.left,
            _ => 0,
        };
        let keep = if all { 0 } else { unbegun / 2 };
        let taken = if is_there { unbegun - keep } else { 0 };
        if taken == 0 {
            self.see("nothing to take");
            self.scheduler
                .handle_split(self.now, frame.task, before, None);
            return;
        }
        if let Some(run) = &mut process.running
            && run.task == frame.task
        {
            run.left = keep;
        }
        let left = before.saturating_sub(taken);
        self.tasks[number].spec.items = left;
        self.see(if all { "shortened" } else { "stolen from" });
        // Nobody may want it any more.
        let payload = self.rng.chance(0.9).then_some(Payload(self.tasks.len()));
        let is_wanted = payload.is_some();
        let rest = payload.map(|payload| (taken, payload));
        let id = self
            .scheduler
            .handle_split(self.now, frame.task, left, rest);
        assert_eq!(id.is_some(), is_wanted);
        if let Some(id) = id {
            let spec = TaskSpec {
                items: taken,
                queue_timeout: None,
                ..self.tasks[number].spec
            };
            let accepted = self.tasks[number].accepted;
            let number = self.add(id, spec, accepted);
            // It goes to the front, as what comes back does.
            self.tasks[number].revoked = 1;
        }
    }
}
