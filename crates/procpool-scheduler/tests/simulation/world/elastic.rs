//! Users that make the pool larger or smaller, or wait until all of it is there.

use procpool_scheduler::{WarmUpError, WarmUpId};

use super::{Event, World};
use crate::process::Told;

impl World {
    /// How many workers there may be, but for those that are to be replaced.
    pub(crate) fn most(&self) -> usize {
        self.plan.config.max_workers + self.plan.config.standby_workers
    }

    pub(super) fn resize(&mut self) {
        let max = self.rng.pick(&[1, 1, 2, 3, 4, 8, 16]);
        let min = self.rng.within(0, max as u64) as usize;
        let config = &mut self.plan.config;
        if !self.closed {
            let what = match max > config.max_workers {
                true => "made larger",
                false => "made smaller",
            };
            (config.min_workers, config.max_workers) = (min, max);
            self.peak = self.peak.max(max);
            self.see(what);
        }
        self.scheduler.handle_resize(self.now, min, max);
        self.perform();
        let config = &self.plan.config;
        let size = (config.min_workers, config.max_workers);
        assert_eq!(self.scheduler.size(), size, "the last one wins");
        if self.scheduler.counts().busy > max {
            self.see("more busy than may be");
        }
    }

    pub(super) fn warm_up(&mut self) {
        let warm_up = self.scheduler.handle_warm_up(self.now);
        self.warming.insert(warm_up);
        self.perform();
        if self.rng.chance(0.3) {
            let after = self.rng.micros(0, 10_000);
            self.schedule(after, Event::LeaveWarmUp(warm_up));
        }
    }

    /// Whoever waits loses interest, perhaps long after they were told.
    pub(super) fn leave_warm_up(&mut self, warm_up: WarmUpId) {
        if self.warming.remove(&warm_up) {
            self.see("left a warm-up");
        }
        self.scheduler.handle_leave_warm_up(self.now, warm_up);
        self.perform();
    }

    pub(super) fn warm(&mut self, warm_up: WarmUpId) {
        assert!(self.warming.remove(&warm_up), "told twice");
        assert!(!self.closed, "warm, but closed");
        let ready =
            |process: &&crate::process::Process| process.is_live() && !process.is_starting();
        let ready = self.processes.values().filter(ready).count();
        assert!(ready >= self.most(), "{ready}: {:?}", self.scheduler);
        self.see("warm");
    }

    pub(super) fn not_warm(&mut self, warm_up: WarmUpId, why: WarmUpError) {
        assert!(self.warming.remove(&warm_up), "told twice");
        match why {
            WarmUpError::StartFailed { worker } => {
                let failed = self.processes.get(&worker);
                let failed =
                    failed.is_none_or(|process| !process.is_alive() || process.told == Told::Kill);
                assert!(failed, "{worker} lives");
                self.see("not warm");
            }
            WarmUpError::Closed => assert!(self.closed, "it is open"),
        }
    }

    /// More workers than there may be are only those that still have something to finish.
    pub(super) fn check_size(&self, all: usize, busy: usize) {
        let counts = self.scheduler.counts();
        let config = &self.plan.config;
        let replaces = config.max_tasks_per_worker.is_some()
            || config.max_age.is_some()
            || self.plan.chances.worn > 0.0;
        let replacements = match replaces {
            true => (self.peak / 4).max(1),
            false => 0,
        };
        assert!(
            all <= self.most() + replacements || counts.starting + counts.idle == 0,
            "{all} workers: {counts:?}"
        );
        let was_resized = self.peak > config.max_workers;
        assert!(
            busy <= config.max_workers || was_resized,
            "{busy} busy workers: {counts:?}"
        );
    }

    /// A pool that is at rest has as many workers as it is to keep.
    pub(super) fn check_rest(&self) {
        let counts = self.scheduler.counts();
        let config = &self.plan.config;
        let kept = config.min_workers + config.standby_workers;
        assert!(counts.idle >= kept, "too few workers: {counts:?}");
        if config.idle_timeout.is_some() {
            assert_eq!(counts.idle, kept, "too many workers: {counts:?}");
        }
        assert_eq!((counts.queued, counts.in_flight, counts.busy), (0, 0, 0));
    }
}
