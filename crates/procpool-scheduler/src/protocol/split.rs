//! Tasks of several items: what a worker has not begun of one goes to others.

use std::time::Instant;

use crate::action::{Action, Outcome};
use crate::id::TaskId;
use crate::state::scheduler::{Phase, Scheduler};
use crate::state::task::Task;
use crate::state::task_details::Part;
use crate::state::worker::Stage;

impl<P> Scheduler<P> {
    /// Of the items of a task in flight, some that had not begun were taken back. The task keeps `left`;
    /// the others, if anybody wants them, are `rest`, a count and a payload: a task of their own from now
    /// on, accepted as the first one was, and in front of all that wait. Its id is returned.
    ///
    /// The answer to [`Action::Shorten`]. The driver may also do it unasked, and must before it kills a worker or
    /// reports its exit, so that what a worker had not begun is not charged with its end.
    pub fn handle_shortened(
        &mut self,
        now: Instant,
        task: TaskId,
        left: u32,
        rest: Option<(u32, P)>,
    ) -> Option<TaskId> {
        let rest = self.shortened(now, task, left, rest);
        self.settle(now);
        rest
    }

    fn shortened(
        &mut self,
        now: Instant,
        id: TaskId,
        left: u32,
        rest: Option<(u32, P)>,
    ) -> Option<TaskId> {
        let Some(task) = self.tasks.get_mut(id) else {
            let (_, payload) = rest?;
            self.actions.push_back(Action::Resolve {
                task: id,
                payload: Box::new(payload),
                outcome: Outcome::Cancelled,
            });
            return None;
        };
        task.items = left;
        let mut asked = None;
        let mut is_fixed = false;
        if let Some(extras) = task.present_extras() {
            asked = extras.asked.take();
            extras.whole |= asked == Some(Part::Half) && rest.is_none();
            extras.fixed |= asked == Some(Part::All);
            is_fixed = extras.fixed;
        }
        let (spec, function) = (task.spec(), task.function);
        if asked.is_some() {
            self.shortening -= 1;
        }
        let rest = rest.map(|(items, payload)| {
            let mut spec = spec;
            spec.items = items;
            // It was sent in time.
            spec.queue_timeout = None;
            let rest = Task::new(spec, payload, function, now);
            let rest = self.tasks.insert(rest);
            self.open_tasks += 1;
            match self.phase {
                Phase::Terminated => self.resolve(rest, Outcome::Terminated),
                Phase::Open | Phase::Closed => self.requeue(now, rest),
            }
            rest
        });
        if is_fixed && asked.is_some() {
            self.inspect(id);
        }
        rest
    }

    /// Has the worker begin no further item of the task, or only half of those that it has not begun.
    pub(crate) fn ask_for(&mut self, id: TaskId, part: Part) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let Some(sent) = task.sent() else {
            return;
        };
        let asked = &mut task.extras_mut().asked;
        if asked.is_none() {
            self.shortening += 1;
        }
        *asked = (*asked).max(Some(part));
        self.actions.push_back(Action::Shorten {
            worker: self.fleet[sent.worker].id,
            task: id,
            slot: sent.slot,
            dispatch_id: sent.dispatch_id,
            all: part == Part::All,
        });
    }

    /// Has a worker that has nothing to do take half of what another has not begun of its task.
    ///
    /// It ends, because what is taken is less each time, and who had nothing to give is not asked again.
    pub(crate) fn steal(&mut self) {
        let candidate = self
            .fleet
            .iter()
            .filter(|(_, worker)| worker.stage == Stage::Ready)
            .filter_map(|(_, worker)| self.divisible_head(worker))
            .max_by_key(|&(expected, _)| expected);
        if let Some((_, id)) = candidate {
            self.ask_for(id, Part::Half);
        }
    }
}
