//! Users that ask for room before they have a task.

use procpool_scheduler::{RefusedReason, ReservationId};

use super::{Event, Payload, World};
use crate::users;

impl World {
    pub(super) fn reserve(&mut self) {
        let had_room = self.scheduler.has_room();
        let taken_back = |world: &World| {
            let revoked = world.tasks.iter().map(|task| task.revoked);
            (world.tasks.len(), revoked.sum::<u32>())
        };
        let before = taken_back(self);
        let reservation = self.scheduler.handle_reserve(self.now);
        self.line.push_back(reservation);
        self.perform();
        let has_it = self.permits.contains(&reservation);
        // What a worker is found not to have begun comes first.
        let is_as_it_was = before == taken_back(self);
        assert!(!has_it || had_room && !self.closed, "{:?}", self.scheduler);
        assert!(
            has_it || !had_room || self.closed || !is_as_it_was,
            "{:?}",
            self.scheduler
        );
        if has_it {
            self.see("given room at once");
        } else if !self.closed {
            self.see("had to wait for room");
            if self.rng.chance(0.3) {
                let after = self.rng.micros(0, 10_000);
                self.schedule(after, Event::Release(reservation));
            }
        }
    }

    pub(super) fn granted(&mut self, reservation: ReservationId) {
        assert!(!self.closed, "room in a closed pool");
        assert_eq!(
            self.line.pop_front(),
            Some(reservation),
            "served out of turn"
        );
        assert!(self.permits.insert(reservation));
        let counts = self.scheduler.counts();
        let config = &self.plan.config;
        let most = config.queue_capacity.saturating_add(config.max_workers);
        let busy = counts.busy.min(config.max_workers);
        assert!(counts.queued + counts.reserved + busy <= most);
        let after = self.rng.micros(0, 2_000);
        let next = match self.rng.chance(0.3) {
            true => Event::Release(reservation),
            false => Event::Use(reservation),
        };
        self.schedule(after, next);
    }

    pub(super) fn denied(&mut self, reservation: ReservationId) {
        assert!(self.closed, "denied in an open pool");
        assert_eq!(self.line.pop_front(), Some(reservation));
        self.see("denied room");
    }

    /// A waiter or a permit is dropped, perhaps long after it was of any use.
    pub(super) fn release(&mut self, reservation: ReservationId) {
        if self.permits.remove(&reservation) {
            self.see("gave room back");
        }
        if let Some(place) = self.line.iter().position(|other| *other == reservation) {
            self.line.remove(place);
            self.see("left the line");
        }
        self.scheduler.handle_release(self.now, reservation);
        self.perform();
    }

    pub(super) fn use_permit(&mut self, reservation: ReservationId) {
        if !self.permits.remove(&reservation) && !self.closed {
            return;
        }
        let spec = users::spec(&mut self.rng);
        let dispatch = Payload(self.tasks.len());
        let answer = self
            .scheduler
            .handle_submit_reserved(self.now, reservation, spec, dispatch);
        match answer {
            Ok(id) => self.accepted(id, spec),
            Err(refused) => {
                assert_eq!(refused.reason, RefusedReason::Closed);
                assert!(self.closed, "a permit was refused");
            }
        }
        self.perform();
    }

    /// All users leave, and as many come as there is room for.
    pub(super) fn all_room_is_there(&mut self) {
        let config = &self.plan.config;
        if config.queue_capacity > 1_000 {
            return;
        }
        let most = config.queue_capacity + config.max_workers;
        for _ in 0..most {
            assert!(self.scheduler.has_room(), "room was lost");
            self.reserve();
        }
        assert!(!self.scheduler.has_room(), "room was won");
        self.leave();
    }

    /// Whoever waits for room or has some loses interest.
    pub(super) fn leave(&mut self) {
        while let Some(reservation) = self.line.back().or(self.permits.last()) {
            self.release(*reservation);
        }
    }
}
