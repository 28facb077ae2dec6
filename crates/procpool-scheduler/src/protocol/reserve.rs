//! Room in the queue, and the callers that reserve it.

use std::time::Instant;

use crate::action::{Action, Refused, RefusedReason};
use crate::id::{FunctionKey, ReservationId, TaskId};
use crate::spec::TaskSpec;
use crate::state::scheduler::{Phase, Scheduler};

impl<P> Scheduler<P> {
    /// A caller wants room in the queue for one task, and waits for it in the order of arrival.
    ///
    /// [`Action::Grant`] follows as soon as there is room and no caller is before it, perhaps at once; or [`Action::Deny`]
    /// when the pool is closed. Granted room counts as taken until
    /// [`handle_submit_reserved`](Self::handle_submit_reserved) uses it or
    /// [`handle_release`](Self::handle_release) gives it back.
    pub fn handle_reserve(&mut self, now: Instant) -> ReservationId {
        let id = self.reservations.add();
        if self.phase != Phase::Open {
            self.deny_reservations();
        }
        self.settle(now);
        id
    }

    /// The room is not needed, whether it was granted or not. Ignored if it was used, given back or denied.
    pub fn handle_release(&mut self, now: Instant, reservation: ReservationId) {
        self.reservations.remove(reservation);
        self.settle(now);
    }

    /// As [`handle_submit`](Self::handle_submit), in room that was granted, which is used up by this.
    ///
    /// # Errors
    ///
    /// Gives the payload back if the pool is closed, or if no room was granted and there is none.
    pub fn handle_submit_reserved(
        &mut self,
        now: Instant,
        reservation: ReservationId,
        spec: TaskSpec,
        payload: P,
    ) -> Result<TaskId, Refused<P>> {
        if self.reservations.take_granted(reservation) {
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
        let function = self.run_times.index(function);
        // A short task may be prefetched even when no worker is free; but not before the callers that wait, since no
        // worker might ever become free, nor in the place of those that have room.
        let is_first = self.queue.is_empty() && self.reservations.is_empty();
        let fits = is_first && self.choose_worker(now, function, 1, None).is_some();
        (!fits).then_some(RefusedReason::QueueFull)
    }

    /// Grants the room that there is. Tasks that are being taken back come first: a worker is free for them.
    pub(crate) fn grant_room(&mut self) {
        while self.revoking == 0
            && self.splitting == 0
            && self.has_room()
            && let Some(id) = self.reservations.grant()
        {
            self.actions.push_back(Action::Grant(id));
        }
    }

    /// The pool is closed: no caller that waits will have room, and granted room is worth nothing.
    pub(crate) fn deny_reservations(&mut self) {
        let waiting = self.reservations.clear();
        self.actions.extend(waiting.into_iter().map(Action::Deny));
    }

    /// True if a task would be accepted now, were the pool open. Then fewer tasks than `queue_capacity` wait for a worker to
    /// become free, reserved room included. Tasks for which a worker is idle, starting, or could be started do not
    /// count. While a caller waits for room, there is none.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let free = self.config.max_workers.saturating_sub(self.fleet.busy);
        let taken = self.queue.len() + self.reservations.granted();
        taken < self.config.queue_capacity.saturating_add(free)
    }
}
