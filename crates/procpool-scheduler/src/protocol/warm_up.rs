//! Who waits until the pool has all workers that it may have.

use std::time::Instant;

use crate::action::{Action, Cold};
use crate::id::WarmUpId;
use crate::state::scheduler::{Phase, Scheduler};

impl<P> Scheduler<P> {
    /// Someone waits until as many workers are ready as there may be, those that stand by included; until
    /// then so many are wanted.
    ///
    /// [`Action::Warm`] follows, which may be now; or [`Action::NotWarm`] when a worker fails to start, or the
    /// pool is closed.
    pub fn handle_warm_up(&mut self, now: Instant) -> WarmUpId {
        self.last_warm_up += 1;
        let id = WarmUpId::from_u64(self.last_warm_up);
        self.warm_ups.insert(id);
        if self.phase != Phase::Open {
            self.fail_warm_ups(Cold::Closed);
        }
        self.settle(now);
        id
    }

    /// The one who asked by [`handle_warm_up`](Self::handle_warm_up) waits no more. Ignored if it was told.
    pub fn handle_leave_warm_up(&mut self, now: Instant, warm_up: WarmUpId) {
        self.warm_ups.remove(&warm_up);
        self.settle(now);
    }

    pub(crate) fn is_warming_up(&self) -> bool {
        !self.warm_ups.is_empty()
    }

    pub(crate) fn finish_warm_ups(&mut self) {
        let ready = self.fleet.ready() - self.fleet.preparing;
        if self.is_warming_up() && ready >= self.most() {
            let warm = std::mem::take(&mut self.warm_ups);
            self.actions.extend(warm.into_iter().map(Action::Warm));
        }
    }

    /// They might wait for ever.
    pub(crate) fn fail_warm_ups(&mut self, why: Cold) {
        let cold = std::mem::take(&mut self.warm_ups);
        self.actions.extend(
            cold.into_iter()
                .map(|warm_up| Action::NotWarm { warm_up, why }),
        );
    }
}
