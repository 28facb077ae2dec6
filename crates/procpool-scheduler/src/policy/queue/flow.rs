//! The tasks of one share that wait, in order.

use std::collections::VecDeque;

use crate::id::TaskId;

/// Where a task is added.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Back,
    Front,
}

/// Above this many places, an empty lane gives its memory back.
const KEPT: usize = 4096;

/// First in, first out; what comes back from a worker goes to the front.
///
/// A task that is resolved while it waits leaves its id behind, because finding it would cost the
/// length of the lane. Such ids are skipped, and swept out before they are the majority.
#[derive(Debug, Default)]
pub(super) struct Lane {
    ids: VecDeque<TaskId>,
    stale: usize,
    pub(super) turn: Turn,
}

/// When a lane is served: the one with the least is next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(super) struct Turn {
    /// Nanoseconds that its tasks have had while others waited, and where it began.
    pub(super) had: u64,
    /// Who has had as much is served in the order of this, which no two have.
    pub(super) number: i64,
}

impl Lane {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.ids.len() - self.stale
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(super) fn push(&mut self, id: TaskId, end: End) {
        match end {
            End::Back => self.ids.push_back(id),
            End::Front => self.ids.push_front(id),
        }
    }

    /// The first task that still waits.
    pub(super) fn front(&mut self, waits: impl Fn(TaskId) -> bool) -> Option<TaskId> {
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
    #[inline]
    pub(super) fn pop_front(&mut self) {
        self.ids.pop_front();
        if self.ids.is_empty() && self.ids.capacity() > KEPT {
            self.ids = VecDeque::new();
        }
    }

    /// One of the waiting tasks was resolved and waits no more.
    pub(super) fn forget(&mut self, waits: impl Fn(TaskId) -> bool) {
        self.stale += 1;
        if self.stale > 32 && self.stale > self.ids.len() / 2 {
            self.ids.retain(|&id| waits(id));
            self.stale = 0;
            self.ids.shrink_to(KEPT.max(2 * self.ids.len()));
        }
    }

    /// Gives back the memory of a lane in which nothing waits.
    pub(super) fn clear(&mut self) {
        self.ids = VecDeque::new();
        self.stale = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgotten_tasks_do_not_pile_up() {
        let mut lane = Lane::default();
        let ids: Vec<_> = (0..10_000).map(|n| TaskId::from_parts(n, 0)).collect();
        ids.iter().for_each(|&id| lane.push(id, End::Back));
        for n in 0..9_990 {
            lane.forget(|id| id.key() > n);
            assert_eq!(lane.len(), 9_999 - n);
            assert!(lane.ids.len() <= 2 * lane.len() + 64);
        }
        assert_eq!(lane.front(|id| id.key() >= 9_990), Some(ids[9_990]));
    }
}
