//! The waiting tasks of one share, in order.

use std::collections::VecDeque;

use crate::id::TaskId;
use crate::policy::tuning::KEPT_PLACES;

/// Where a task is added.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Back,
    Front,
}

/// First in, first out. A task that comes back from a worker goes to the front.
///
/// A task that is resolved while it waits leaves its id behind, because a search would take as long as the flow is. Such
/// ids are skipped, and removed before they are the majority.
#[derive(Debug, Default)]
pub(super) struct Flow {
    ids: VecDeque<TaskId>,
    stale: usize,
    pub(super) order: FlowOrder,
}

/// The order of flows: the one with the least is served next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(super) struct FlowOrder {
    /// Where the flow began, and the nanoseconds that its tasks have run since then while other flows waited.
    pub(super) virtual_time: u64,
    /// The order of flows with the same virtual time. No two flows have the same number.
    pub(super) number: i64,
}

impl Flow {
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
        if self.ids.is_empty() && self.ids.capacity() > KEPT_PLACES {
            self.ids = VecDeque::new();
        }
    }

    /// One of the waiting tasks was resolved and waits no more.
    pub(super) fn forget(&mut self, waits: impl Fn(TaskId) -> bool) {
        self.stale += 1;
        if self.stale > 32 && self.stale > self.ids.len() / 2 {
            self.ids.retain(|&id| waits(id));
            self.stale = 0;
            self.ids.shrink_to(KEPT_PLACES.max(2 * self.ids.len()));
        }
    }

    /// Gives back the memory of a flow in which nothing waits.
    pub(super) fn clear(&mut self) {
        self.ids = VecDeque::new();
        self.stale = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_forgotten_tasks_are_removed() {
        let mut flow = Flow::default();
        let ids: Vec<_> = (0..10_000).map(|n| TaskId::from_parts(n, 0)).collect();
        ids.iter().for_each(|&id| flow.push(id, End::Back));
        for n in 0..9_990 {
            flow.forget(|id| id.key() > n);
            assert_eq!(flow.len(), 9_999 - n);
            assert!(flow.ids.len() <= 2 * flow.len() + 64);
        }
        assert_eq!(flow.front(|id| id.key() >= 9_990), Some(ids[9_990]));
    }
}
