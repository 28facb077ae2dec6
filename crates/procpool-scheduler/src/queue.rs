//! Tasks that wait for a worker, in order.

use std::collections::VecDeque;

use crate::id::TaskId;

/// Above this many places, an empty queue gives its memory back.
const KEPT: usize = 4096;

/// First in, first out; what comes back from a worker goes to the front.
///
/// A task that is resolved while it waits leaves its id behind, because finding it would cost the
/// length of the queue. Such ids are skipped, and swept out before they are the majority.
#[derive(Debug)]
pub(crate) struct Queue {
    ids: VecDeque<TaskId>,
    stale: usize,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            ids: VecDeque::new(),
            stale: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len() - self.stale
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn push_back(&mut self, id: TaskId) {
        self.ids.push_back(id);
    }

    pub(crate) fn push_front(&mut self, id: TaskId) {
        self.ids.push_front(id);
    }

    /// The first task that still waits.
    pub(crate) fn front(&mut self, waits: impl Fn(TaskId) -> bool) -> Option<TaskId> {
        while let Some(&id) = self.ids.front() {
            if self.stale == 0 || waits(id) {
                return Some(id);
            }
            self.ids.pop_front();
            self.stale -= 1;
        }
        None
    }

    /// Removes what [`front`](Self::front) gave.
    pub(crate) fn pop_front(&mut self) {
        self.ids.pop_front();
        if self.ids.is_empty() && self.ids.capacity() > KEPT {
            self.ids = VecDeque::new();
        }
    }

    /// One of the waiting tasks was resolved and waits no more.
    pub(crate) fn forget(&mut self, waits: impl Fn(TaskId) -> bool) {
        self.stale += 1;
        if self.stale > 32 && self.stale > self.ids.len() / 2 {
            self.ids.retain(|&id| waits(id));
            self.stale = 0;
            self.ids.shrink_to(KEPT.max(2 * self.ids.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgotten_tasks_do_not_pile_up() {
        let mut queue = Queue::new();
        let ids: Vec<_> = (0..10_000).map(|n| TaskId::from_parts(n, 0)).collect();
        ids.iter().for_each(|&id| queue.push_back(id));
        for n in 0..9_990 {
            queue.forget(|id| id.key() > n);
            assert_eq!(queue.len(), 9_999 - n);
            assert!(queue.ids.len() <= 2 * queue.len() + 64);
        }
        assert_eq!(queue.front(|id| id.key() >= 9_990), Some(ids[9_990]));
    }
}
