//! Callers that wait until the pool has all workers that it may have.

use std::time::Instant;

use crate::action::{Action, WarmUpError};
use crate::id::WarmUpId;
use crate::state::scheduler::{Phase, Scheduler};

impl<P> Scheduler<P> {
    /// A caller waits until as many workers are ready as the pool may have, standby workers included. Until then so many
    /// are wanted.
    ///
    /// [`Action::WarmUpDone`] follows, perhaps at once; or [`Action::WarmUpFailed`] when a worker fails to start, or the
    /// pool is closed.
    pub fn handle_warm_up(&mut self, now: Instant) -> WarmUpId {
        self.last_warm_up += 1;
        let id = WarmUpId::from_u64(self.last_warm_up);
        self.warm_ups.insert(id);
        if self.phase != Phase::Open {
            self.fail_warm_ups(WarmUpError::Closed);
        }
        self.settle(now);
        id
    }

    /// The caller waits no more. Ignored if the warm-up has ended.
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
            let done = std::mem::take(&mut self.warm_ups);
            self.actions
                .extend(done.into_iter().map(Action::WarmUpDone));
        }
    }

    /// Otherwise they might wait for ever.
    pub(crate) fn fail_warm_ups(&mut self, error: WarmUpError) {
        let failed = std::mem::take(&mut self.warm_ups).into_iter();
        self.actions
            .extend(failed.map(|warm_up| Action::WarmUpFailed { warm_up, error }));
    }
}
