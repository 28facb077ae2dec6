//! The tasks that were sent and have not come back.

use std::collections::VecDeque;

use slab::Slab;

use crate::id::TaskId;
use crate::state::free_slots::FreeSlots;
use crate::state::task::{DispatchIndex, Sent, Task};

/// What is known of each task in flight, of all workers.
///
/// It is apart from the tasks, because very many tasks may wait and few are in flight. Nothing is allocated for a
/// dispatch once as many tasks were in flight before.
#[derive(Default, Debug)]
pub(crate) struct Dispatches(Slab<Sent>);

impl Dispatches {
    #[inline]
    pub(crate) fn insert(&mut self, sent: Sent) -> DispatchIndex {
        // Each worker has at most `Config::MAX_WINDOW` tasks, so 32 bits are enough.
        DispatchIndex(self.0.insert(sent) as u32)
    }

    /// What is known of the task's dispatch, if there is the task and a worker has it.
    #[inline]
    pub(crate) fn of<P>(&self, task: Option<&Task<P>>) -> Option<&Sent> {
        self.0.get(task?.sent?.0 as usize)
    }

    /// As [`of`](Self::of), to be changed.
    #[inline]
    pub(crate) fn of_mut<P>(&mut self, task: Option<&Task<P>>) -> Option<&mut Sent> {
        self.0.get_mut(task?.sent?.0 as usize)
    }

    /// Removes what is known of the task's dispatch: no worker has the task any more.
    #[inline]
    pub(crate) fn take<P>(&mut self, task: &mut Task<P>) -> Option<Sent> {
        self.0.try_remove(task.sent.take()?.0 as usize)
    }
}

/// The tasks that were sent to one worker and have not come back.
#[derive(Debug)]
pub(crate) struct Flight {
    /// In the order in which the worker runs them. The first one runs, as far as the scheduler knows.
    pub(crate) tasks: VecDeque<TaskId>,
    free_slots: FreeSlots,
    /// Nanoseconds that the functions of known run time are expected to take.
    pub(crate) load: u64,
    /// How many functions have no known run time.
    unknown: usize,
    /// How many tasks are resolved and may still run: they take their grace, or their results are on the way.
    pub(crate) resolved: usize,
    /// Revocations that the driver has not answered.
    pub(crate) unanswered: usize,
}

impl Flight {
    pub(crate) fn new(window: usize) -> Self {
        Self {
            tasks: VecDeque::new(),
            free_slots: FreeSlots::new(window),
            load: 0,
            unknown: 0,
            resolved: 0,
            unanswered: 0,
        }
    }

    /// Whether it is known how long all of it takes, and there is a slot for one more.
    #[inline]
    pub(crate) fn is_predictable(&self) -> bool {
        !self.free_slots.is_empty() && self.unknown == 0 && self.resolved == 0
    }

    /// Adds a task behind the others, and gives its slot.
    #[inline]
    pub(crate) fn add(&mut self, task: TaskId, expected: Option<u64>) -> u16 {
        // A worker without a free slot is sent nothing.
        let slot = self.free_slots.take().unwrap_or_default();
        match expected {
            Some(nanos) => self.load += nanos,
            None => self.unknown += 1,
        }
        self.tasks.push_back(task);
        slot
    }

    /// Removes a task. True if it was the first.
    #[inline]
    pub(crate) fn remove(&mut self, task: TaskId, slot: u16, expected: Option<u64>) -> bool {
        self.free_slots.give(slot);
        match expected {
            Some(nanos) => self.load -= nanos,
            None => self.unknown -= 1,
        }
        // It is nearly always the first, or else the last.
        match self.tasks.iter().position(|&other| other == task) {
            Some(0) => {
                self.tasks.pop_front();
                true
            }
            Some(at) => {
                self.tasks.remove(at);
                false
            }
            None => false,
        }
    }
}
