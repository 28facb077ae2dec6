//! Tasks of several items: the items that a worker has not begun become a task of their own.

use std::time::Instant;

use crate::action::{Action, Outcome};
use crate::id::TaskId;
use crate::state::scheduler::{Phase, Scheduler};
use crate::state::task::{Part, Task};

impl<P> Scheduler<P> {
    /// Items of a task in flight that had not begun were taken back. The task keeps `left` items. The others are
    /// `rest`, a count and a payload, unless no one wants them. They are a task of their own from now on, accepted when
    /// the first one was, and in front of all waiting tasks. Its id is returned.
    ///
    /// The answer to [`Action::Split`]. The driver may also do it unasked. It must do so before it kills a worker or
    /// reports its exit, so that items which the worker had not begun are not charged with its death.
    pub fn handle_split(
        &mut self,
        now: Instant,
        task: TaskId,
        left: u32,
        rest: Option<(u32, P)>,
    ) -> Option<TaskId> {
        let rest = self.split(now, task, left, rest);
        self.settle(now);
        rest
    }

    fn split(
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
        if let Some(details) = task.present_details() {
            asked = details.splitting.take();
            details.is_indivisible |= asked == Some(Part::Half) && rest.is_none();
            details.is_fixed |= asked == Some(Part::All);
            is_fixed = details.is_fixed;
        }
        let (mut spec, function) = (task.spec(), task.function);
        if asked.is_some() {
            self.splitting -= 1;
        }
        let rest = rest.map(|(items, payload)| {
            spec.items = items;
            // It was sent within its queue timeout.
            spec.queue_timeout = None;
            self.add_rest(now, Task::new(spec, payload, function, now))
        });
        if is_fixed && asked.is_some() {
            self.inspect(id);
        }
        rest
    }

    fn add_rest(&mut self, now: Instant, task: Task<P>) -> TaskId {
        let id = self.tasks.insert(task);
        self.open_tasks += 1;
        match self.phase {
            Phase::Terminated => self.resolve(id, Outcome::Terminated),
            Phase::Open | Phase::Closed => self.requeue(now, id),
        }
        id
    }

    /// Asks the driver to take back items of the task that its worker has not begun.
    pub(crate) fn ask_to_split(&mut self, id: TaskId, part: Part) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let Some(sent) = self.dispatches.of(Some(task)) else {
            return;
        };
        let asked = &mut task.details_mut().splitting;
        if asked.is_none() {
            self.splitting += 1;
        }
        *asked = (*asked).max(Some(part));
        self.actions.push_back(Action::Split {
            worker: self.fleet[sent.worker].id,
            task: id,
            slot: sent.slot,
            dispatch_id: sent.dispatch_id,
            all: part == Part::All,
        });
    }
}
