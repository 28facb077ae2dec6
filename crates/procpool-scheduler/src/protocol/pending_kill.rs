//! Killing a worker for the sake of a task that it runs.

use std::time::Instant;

use crate::id::TaskId;
use crate::state::scheduler::Scheduler;
use crate::state::task::PendingKill;

impl<P> Scheduler<P> {
    /// The worker is to be killed because of this task, which it has begun, but only if it still runs it. It may have
    /// finished, with its result on the way, and the worker may run another task by now that must not be harmed.
    pub(crate) fn mark_for_kill(&mut self, now: Instant, id: TaskId, pending: PendingKill) {
        let Some(sent) = self.dispatches.of_mut(self.tasks.get(id)) else {
            return;
        };
        let place = sent.worker;
        sent.pending_kill.get_or_insert(pending);
        // The answers tell which task the worker runs, and save the tasks that it has not begun.
        self.revoke_unstarted(now, place, Some(id));
        self.kill_if_pending(place);
    }

    /// Kills the worker if the task that it runs is marked for that, once it is known which task it runs.
    ///
    /// A worker runs its tasks in order, and sends the result of each before it claims the next. So it can be running
    /// only the last of the tasks that it has claimed.
    pub(crate) fn kill_if_pending(&mut self, place: usize) {
        let worker = &self.fleet[place];
        if worker.flight.unanswered > 0 {
            return;
        }
        let sent = |id: &TaskId| self.dispatches.of(self.tasks.get(*id));
        let tasks = worker.flight.tasks.iter();
        let marked: Vec<_> = tasks
            .clone()
            .filter_map(|id| Some((*id, sent(id)?.pending_kill?)))
            .collect();
        if marked.is_empty() {
            return;
        }
        let is_claimed = |id: &&TaskId| sent(id).is_some_and(|sent| sent.is_claimed);
        let running = tasks.rev().find(is_claimed).copied();
        let is_ready = worker.ready().is_some();
        if is_ready && marked.iter().any(|&(id, _)| Some(id) == running) {
            self.kill(place);
        }
        for (id, pending) in marked {
            if let Some(sent) = self.dispatches.of_mut(self.tasks.get(id)) {
                sent.pending_kill = None;
            }
            if let Some(outcome) = pending.outcome {
                // Until its result comes, or its worker exits, it counts as one that takes its grace.
                self.fleet[place].flight.resolved += 1;
                self.resolve(id, outcome);
                self.fleet.refresh(place);
            }
        }
    }
}
