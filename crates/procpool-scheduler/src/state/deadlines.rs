//! The timers of a pool.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use crate::id::TaskId;

/// Armed timers in the order in which they fire.
///
/// An ordered map and not a heap, since most timers are disarmed before they fire. A map forgets those at once, where a
/// heap would keep them until they come up.
#[derive(Debug)]
pub(crate) struct Deadlines {
    timers: BTreeMap<Timer, Due>,
    /// When the first timer was armed. The others are relative to that.
    epoch: Option<Instant>,
    last: NonZeroU64,
}

/// An armed timer, kept by its owner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Timer {
    /// Nanoseconds since the epoch. An [`Instant`] has twice the size, and very many tasks may wait.
    at: u64,
    number: NonZeroU64,
}

/// The purpose of a timer. Workers are named by their places in the fleet, which they keep while their timers are armed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// The task has waited too long; or, if it is resolved, its grace is over.
    TaskWait(TaskId),
    /// The task is to be cancelled.
    Cancel(TaskId),
    /// The task may be run again.
    Retry(TaskId),
    /// A look for results that workers hold back.
    Collect,
    /// A look for tasks that workers leave untouched.
    Untouched,
    /// A look for tasks that take longer than expected while work waits behind them.
    LateTasks,
    /// A look for tasks that wait for the worker of their affinity while another one is idle.
    Affinities,
    /// The worker has reached its age limit.
    TooOld(usize),
    /// The time limit of the worker's first task may have passed.
    RunTimeout(usize),
    /// The worker starts, stops, or runs a broadcast too slowly.
    TooSlow(usize),
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines {
            timers: BTreeMap::new(),
            epoch: None,
            last: NonZeroU64::MIN,
        }
    }
}

impl Deadlines {
    /// `None` if the moment can't be represented.
    pub(crate) fn arm(&mut self, now: Instant, after: Duration, due: Due) -> Option<Timer> {
        let epoch = *self.epoch.get_or_insert(now);
        let at = now.checked_add(after)?.saturating_duration_since(epoch);
        let at = u64::try_from(at.as_nanos()).ok()?;
        self.last = self.last.checked_add(1)?;
        let timer = Timer {
            at,
            number: self.last,
        };
        self.timers.insert(timer, due);
        Some(timer)
    }

    #[inline]
    pub(crate) fn disarm(&mut self, timer: &mut Option<Timer>) {
        if let Some(timer) = timer.take() {
            self.timers.remove(&timer);
        }
    }

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Due> {
        let now = now.saturating_duration_since(self.epoch?).as_nanos();
        let first = self.timers.first_entry()?;
        (u128::from(first.key().at) <= now).then(|| first.remove())
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<Instant> {
        let (timer, _) = self.timers.first_key_value()?;
        self.epoch?.checked_add(Duration::from_nanos(timer.at))
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }
}
