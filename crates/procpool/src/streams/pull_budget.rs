//! The time for which one chunk's items are pulled.

use std::time::{Duration, Instant};

/// A chunk is sent after this time, even if the source has more items.
const LIMIT: Duration = Duration::from_millis(1);

/// The greatest number of items between two readings of the clock.
const MAX_STEP: u32 = 256;

/// Limits the time for which items are pulled from a source that always has another one.
pub(super) struct PullBudget {
    began: Instant,
    pulled: u32,
    /// The clock is read when this many items have been pulled.
    check_at: u32,
}

impl PullBudget {
    pub(super) fn new() -> Self {
        PullBudget {
            began: Instant::now(),
            pulled: 0,
            check_at: 1,
        }
    }

    /// Counts an item that is about to be pulled; returns `true` if the time is up.
    #[inline]
    pub(super) fn is_spent(&mut self) -> bool {
        if self.pulled == self.check_at {
            if self.began.elapsed() >= LIMIT {
                return true;
            }
            // Reading the clock for each item would take as long as pulling it. As many items more
            // take about as long as those pulled so far.
            self.check_at += self.pulled.min(MAX_STEP);
        }
        self.pulled += 1;
        false
    }
}
