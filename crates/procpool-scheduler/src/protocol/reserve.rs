//! Room in the queue: who is given it, in which order.

use std::time::Instant;

use crate::action::{Action, Refused, RefusedReason};
use crate::id::{FunctionKey, ReservationId, TaskId};
use crate::spec::TaskSpec;
use crate::state::scheduler::{Phase, Scheduler};

impl<P> Scheduler<P> {
    /// Someone wants room in the queue for one task, and stands in line for it.
    ///
    /// [`Action::Grant`] follows as soon as there is room and nobody is before it, which may be now; or
    /// [`Action::Deny`] when the pool is closed. Room that is granted counts as taken until
    /// [`handle_submit_reserved`](Self::handle_submit_reserved) uses it or
    /// [`handle_release`](Self::handle_release) gives it back.
    pub fn handle_reserve(&mut self, now: Instant) -> ReservationId {
        let id = self.line.join();
        if self.phase != Phase::Open {
            self.disband_line();
        }
        self.settle(now);
        id
    }

    /// The room is not needed, whether it was granted or not. Ignored if it was used, given back or denied.
    pub fn handle_release(&mut self, now: Instant, reservation: ReservationId) {
        self.line.leave(reservation);
        self.settle(now);
    }

    /// As [`handle_submit`](Self::handle_submit), in room that was granted, which is used up by this.
    ///
    /// # Errors
    ///
    /// Gives the payload back if the pool is closed. For want of room only if none was granted.
    pub fn handle_submit_reserved(
        &mut self,
        now: Instant,
        reservation: ReservationId,
        spec: TaskSpec,
        payload: P,
    ) -> Result<TaskId, Refused<P>> {
        if self.line.redeem(reservation) {
            Ok(self.accept(now, spec, payload))
        } else {
            self.handle_submit(now, spec, payload)
        }
    }

    /// Why a task with this function would be refused now, if it would.
    pub fn refusal(&mut self, now: Instant, function: FunctionKey) -> Option<RefusedReason> {
        if self.phase != Phase::Open {
            return Some(RefusedReason::Closed);
        }
        if self.has_room() {
            return None;
        }
        let function = self.history.index(function);
        // A short function may have room behind others even when no worker is free: but not before those who
        // wait in line, since no worker might ever become free, nor in the place of those who have room.
        let behind_others = self.queue.is_empty() && self.line.is_empty();
        let fits = behind_others && self.choose(now, function, 1, None).is_some();
        (!fits).then_some(RefusedReason::QueueFull)
    }

    /// Gives the room that there is to those who wait for it. What is being taken back from a worker comes
    /// first: it is for that one that another worker is free.
    pub(crate) fn grant_room(&mut self) {
        while self.revoking == 0
            && self.shortening == 0
            && self.has_room()
            && let Some(id) = self.line.grant()
        {
            self.actions.push_back(Action::Grant(id));
        }
    }

    /// The pool is closed: nobody in the line will have room, and what was granted is worth nothing.
    pub(crate) fn disband_line(&mut self) {
        let waiting = self.line.disband();
        self.actions.extend(waiting.into_iter().map(Action::Deny));
    }

    /// True if a task would be accepted now, were the pool open: fewer tasks wait for a worker to become
    /// free, or may come to by the room that is reserved, than `queue_capacity`. Those for which a worker is
    /// idle, starting or could be started do not count. While anyone waits in line there is no room.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let free = self.config.max_workers.saturating_sub(self.fleet.busy);
        let taken = self.queue.len() + self.line.granted();
        taken < self.config.queue_capacity.saturating_add(free)
    }
}
