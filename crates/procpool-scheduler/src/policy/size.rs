//! How many workers there should be, and making it so.

use std::time::Instant;

use crate::config::Config;
use crate::state::scheduler::{Phase, Scheduler};

impl<P> Scheduler<P> {
    /// From now on there are to be so many workers at least and at most. An upper bound of 0 counts as 1,
    /// and a lower bound above it as equal to it. Ignored if the pool is closed.
    ///
    /// If there are more than there may be, those that are starting are stopped, then those that are idle, and
    /// those that are busy once they have finished what they have. While more are busy than may be, nothing
    /// is dispatched.
    pub fn handle_resize(&mut self, now: Instant, min_workers: usize, max_workers: usize) {
        if self.phase == Phase::Open {
            self.config.max_workers = max_workers.max(1);
            self.config.min_workers = min_workers.min(self.config.max_workers);
            self.relieve_surplus(now);
        }
        self.settle(now);
    }

    /// The least and the most workers that there are to be, without those that stand by.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.config.min_workers, self.config.max_workers)
    }

    fn min_workers(&self) -> usize {
        match self.phase {
            Phase::Open => self.config.min_workers,
            // What is left to do decides.
            Phase::Closed | Phase::Terminated => 0,
        }
    }

    fn standby_workers(&self) -> usize {
        match self.phase {
            Phase::Open => self.config.standby_workers,
            Phase::Closed | Phase::Terminated => 0,
        }
    }

    /// The most workers, but for those that are to be replaced.
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
    /// Always desired minus live, never counted up and down by events: an event that is forgotten or comes
    /// twice cannot leave the pool short or make it grow.
    pub(crate) fn wanted(&self) -> usize {
        match self.phase {
            Phase::Open => {}
            // Nobody is coming who could make use of a worker that is started before it is needed.
            Phase::Closed if self.queue.is_empty() => return 0,
            Phase::Closed => {}
            Phase::Terminated => return 0,
        }
        let live = self.fleet.starting + self.fleet.ready();
        let most = self.most().saturating_add(self.fleet.retiring);
        let missing = self.desired().saturating_sub(self.staying());
        missing.min(most.saturating_sub(live))
    }

    /// Standby workers come on top of those that are needed: they are idle whatever there is to do.
    fn desired(&self) -> usize {
        if self.is_warming_up() {
            return self.most();
        }
        let needed = self.fleet.busy + self.queue.len();
        needed
            .clamp(self.min_workers(), self.config.max_workers)
            .saturating_add(self.standby_workers())
    }

    /// Whether the pool would start another worker, or has one to spare, for one more task that waits.
    pub(crate) fn could_employ_another(&self) -> bool {
        self.fleet.busy + self.queue.len() + self.shortening < self.config.max_workers
    }

    /// Live workers that need no replacement.
    fn staying(&self) -> usize {
        self.fleet.starting + self.fleet.ready() - self.fleet.retiring
    }

    /// Whether there are more workers than there may be.
    pub(crate) fn has_surplus(&self) -> bool {
        self.staying() > self.most()
    }

    pub(crate) fn grow(&mut self, now: Instant) {
        let admitted = match self.wanted() {
            0 => 0,
            wanted => self.gate.admits(now, wanted, self.fleet.starting),
        };
        for _ in 0..admitted {
            self.spawn(now);
        }
    }

    /// Stops workers beyond the most that there may be, which are there only after that was lowered.
    ///
    /// First those that are of no use yet, the last one first; what is busy goes when it becomes idle.
    pub(crate) fn trim(&mut self, now: Instant) {
        if !self.has_surplus() {
            return;
        }
        while self.has_surplus()
            && let Some(place) = self.fleet.newest_starting().or(self.fleet.coldest_idle())
        {
            self.stop(now, place);
        }
        self.relieve_surplus(now);
    }

    /// Those that are to be replaced need not wait for a replacement if there are enough without them.
    pub(crate) fn relieve_surplus(&mut self, now: Instant) {
        while self.fleet.ready() - self.fleet.retiring >= self.most() && self.relieve(now) {}
    }

    /// When an idle worker is next to be stopped.
    pub(crate) fn next_idle(&self) -> Option<Instant> {
        let timeout = self.config.idle_timeout?;
        self.fleet[self.needless()?].idle_since.checked_add(timeout)
    }

    /// The worker that has been idle longest of those that are not needed.
    fn needless(&self) -> Option<usize> {
        // The same measure as for growing, else one would undo the other for ever.
        if self.staying() > self.desired() {
            return self.fleet.coldest_idle();
        }
        // One that is to be replaced, and for which there is no need of a replacement.
        if self.fleet.retiring > 0 && self.fleet.ready() - self.fleet.retiring >= self.desired() {
            return self.fleet.coldest_idle_retiring();
        }
        None
    }

    pub(crate) fn shrink(&mut self, now: Instant) {
        while self.next_idle().is_some_and(|at| at <= now)
            && let Some(place) = self.needless()
        {
            self.stop(now, place);
        }
    }
}
