//! The callers that wait for room in the queue, and those that were granted some.

use std::collections::BTreeSet;

use crate::id::ReservationId;

/// First come, first served. Ids count up, so their order is the order of arrival, and any of them is found in it.
#[derive(Debug, Default)]
pub(crate) struct ReservationQueue {
    last: u64,
    waiting: BTreeSet<ReservationId>,
    granted: BTreeSet<ReservationId>,
}

impl ReservationQueue {
    pub(crate) fn add(&mut self) -> ReservationId {
        self.last += 1;
        let id = ReservationId::from_u64(self.last);
        self.waiting.insert(id);
        id
    }

    /// Grants room to the next reservation.
    pub(crate) fn grant(&mut self) -> Option<ReservationId> {
        let id = self.waiting.pop_first()?;
        self.granted.insert(id);
        Some(id)
    }

    /// Takes back the room that was granted. False if none was, or it was taken back before.
    pub(crate) fn take_granted(&mut self, id: ReservationId) -> bool {
        self.granted.remove(&id)
    }

    /// Removes a reservation, and gives its room back.
    pub(crate) fn remove(&mut self, id: ReservationId) {
        if !self.granted.remove(&id) {
            self.waiting.remove(&id);
        }
    }

    /// Removes all. Gives those that waited, in order.
    pub(crate) fn clear(&mut self) -> BTreeSet<ReservationId> {
        self.granted.clear();
        std::mem::take(&mut self.waiting)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn granted(&self) -> usize {
        self.granted.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.granted.is_empty()
    }
}
