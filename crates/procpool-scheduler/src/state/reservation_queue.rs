//! Who waits for room in the queue, and who was given some.

use std::collections::BTreeSet;

use crate::id::ReservationId;

/// First come, first served. Ids count up, so their order is that of the line, and who leaves it is found in it.
#[derive(Debug, Default)]
pub(crate) struct Line {
    last: u64,
    waiting: BTreeSet<ReservationId>,
    granted: BTreeSet<ReservationId>,
}

impl Line {
    pub(crate) fn join(&mut self) -> ReservationId {
        self.last += 1;
        let id = ReservationId::from_u64(self.last);
        self.waiting.insert(id);
        id
    }

    /// The next one has room from now on.
    pub(crate) fn grant(&mut self) -> Option<ReservationId> {
        let id = self.waiting.pop_first()?;
        self.granted.insert(id);
        Some(id)
    }

    /// Takes back the room that was given. False if none was, or not any more.
    pub(crate) fn redeem(&mut self, id: ReservationId) -> bool {
        self.granted.remove(&id)
    }

    /// Out of the line, or with its room given back.
    pub(crate) fn leave(&mut self, id: ReservationId) {
        if !self.granted.remove(&id) {
            self.waiting.remove(&id);
        }
    }

    /// There is no room any more, for nobody. Gives those who waited, in order.
    pub(crate) fn disband(&mut self) -> BTreeSet<ReservationId> {
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
