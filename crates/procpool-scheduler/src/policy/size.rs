//! How many workers there should be, and making it so.

use std::time::Instant;

use crate::config::Config;
use crate::state::scheduler::{Phase, Scheduler};

impl<P> Scheduler<P> {
    /// From now on there are to be so many workers at least and at most. An upper bound of 0 counts as 1, and a lower
    /// bound above it as equal to it. Ignored if the pool is closed.
    ///
    /// If there are more workers than there may be, starting ones are stopped, then idle ones. Busy ones are stopped once
    /// they have finished their tasks. While more are busy than may be, nothing is dispatched.
    pub fn handle_resize(&mut self, now: Instant, min_workers: usize, max_workers: usize) {
        if self.phase == Phase::Open {
            self.config.max_workers = max_workers.max(1);
            self.config.min_workers = min_workers.min(self.config.max_workers);
            self.release_surplus(now);
        }
        self.settle(now);
    }

    /// The least and the most workers that there are to be, without standby workers.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.config.min_workers, self.config.max_workers)
    }

    fn min_workers(&self) -> usize {
        match self.phase {
            Phase::Open => self.config.min_workers,
            // The work that is left decides.
            Phase::Closed | Phase::Terminated => 0,
        }
    }

    fn standby_workers(&self) -> usize {
        match self.phase {
            Phase::Open => self.config.standby_workers,
            Phase::Closed | Phase::Terminated => 0,
        }
    }

    /// The most workers, without those that are being replaced.
    pub(crate) fn most(&self) -> usize {
        let Config {
            max_workers,
            standby_workers,
            ..
        } = self.config;
        max_workers.saturating_add(standby_workers)
    }

    /// How many workers are missing.
    ///
    /// Always desired minus live, never counted up and down by events. So an event that is forgotten or comes twice
    /// cannot leave the pool short or make it grow.
    pub(crate) fn wanted(&self) -> usize {
        match self.phase {
            Phase::Open => {}
            // No task will come that could use a worker which is started before it is needed.
            Phase::Closed if self.queue.is_empty() => return 0,
            Phase::Closed => {}
            Phase::Terminated => return 0,
        }
        let live = self.fleet.starting + self.fleet.ready();
        let most = self.most().saturating_add(self.fleet.being_replaced);
        let missing = self.desired().saturating_sub(self.staying());
        missing.min(most.saturating_sub(live))
    }

    /// Standby workers come on top of the workers that are needed: they are idle whatever there is to do.
    fn desired(&self) -> usize {
        if self.is_warming_up() {
            return self.most();
        }
        let needed = self.fleet.busy + self.queue.len();
        needed
            .clamp(self.min_workers(), self.config.max_workers)
            .saturating_add(self.standby_workers())
    }

    /// Whether the pool has another worker for one more waiting task, or would start one.
    pub(crate) fn could_use_another_worker(&self) -> bool {
        self.fleet.busy + self.queue.len() + self.splitting < self.config.max_workers
    }

    /// Live workers that are not being replaced.
    fn staying(&self) -> usize {
        self.fleet.starting + self.fleet.ready() - self.fleet.being_replaced
    }

    /// Whether there are more workers than there may be.
    fn has_surplus(&self) -> bool {
        self.staying() > self.most()
    }

    pub(crate) fn grow(&mut self, now: Instant) {
        let admitted = match self.wanted() {
            0 => 0,
            wanted => self.start_gate.admits(now, wanted, self.fleet.starting),
        };
        for _ in 0..admitted {
            self.spawn(now);
        }
    }

    /// Stops workers beyond the most that there may be, which are there only after that was lowered.
    ///
    /// First starting ones, the last one first, since they are of no use yet. Busy ones go when they become idle.
    pub(crate) fn stop_surplus(&mut self, now: Instant) {
        if !self.has_surplus() {
            return;
        }
        while self.has_surplus()
            && let Some(place) = self.fleet.newest_starting().or(self.fleet.coldest_idle())
        {
            self.stop(now, place);
        }
        self.release_surplus(now);
    }

    /// Workers that are being replaced need not wait for a replacement if there are enough workers without them.
    pub(crate) fn release_surplus(&mut self, now: Instant) {
        while self.fleet.ready() - self.fleet.being_replaced >= self.most()
            && self.release_replaced(now)
        {}
    }

    /// When an idle worker is next to be stopped.
    pub(crate) fn next_idle(&self) -> Option<Instant> {
        let timeout = self.config.idle_timeout?;
        let ready = self.fleet[self.needless()?].ready()?;
        ready.idle_since.checked_add(timeout)
    }

    /// The worker that has been idle longest of those that are not needed.
    fn needless(&self) -> Option<usize> {
        // The same measure as for growing. Otherwise one would undo the other for ever.
        if self.staying() > self.desired() {
            return self.fleet.coldest_idle();
        }
        // A worker that is being replaced, and whose replacement is not needed.
        let others = self.fleet.ready() - self.fleet.being_replaced;
        if self.fleet.being_replaced > 0 && others >= self.desired() {
            return self.fleet.coldest_idle_being_replaced();
        }
        None
    }

    /// Stops workers that have been idle for too long.
    pub(crate) fn stop_idle(&mut self, now: Instant) {
        while self.next_idle().is_some_and(|at| at <= now)
            && let Some(place) = self.needless()
        {
            self.stop(now, place);
        }
    }
}
