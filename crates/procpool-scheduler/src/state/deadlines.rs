//! What is due when.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use crate::id::TaskId;

/// Armed timers in the order in which they fire.
///
/// An ordered map and not a heap: most timers are disarmed before they fire, and a map forgets those at
/// once, where a heap would keep them until they come up. A pool whose tasks have no limits has an
/// empty map.
#[derive(Debug)]
pub(crate) struct Deadlines {
    timers: BTreeMap<Timer, Due>,
    /// When the first timer was armed; from then on all are counted.
    epoch: Option<Instant>,
    last: NonZeroU64,
}

/// An armed timer, kept by what it is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Timer {
    /// Nanoseconds from the epoch. A task has two timers, and very many tasks may wait; an [`Instant`] has twice
    /// the size.
    at: u64,
    number: NonZeroU64,
}

/// What a timer is for; workers by their place in the fleet, which outlives their timers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// The task waited too long; or, if it is resolved, its grace is over.
    Task(TaskId),
    /// Nobody wants the task after this.
    Deadline(TaskId),
    /// The task may be run again.
    Retry(TaskId),
    /// A look at what workers hold back is due.
    Collect,
    /// A look at who leaves tasks untouched is due.
    Look,
    /// A look for tasks that take longer than expected, while others wait behind them, is due.
    LateTasks,
    /// Those who wait at a busy worker for its warm caches have waited long enough.
    Spread,
    /// The worker has lived long enough.
    Age(usize),
    /// The head of the worker ran too long.
    Head(usize),
    /// The worker starts or stops too slowly.
    Worker(usize),
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
    /// `None` if the moment is beyond the end of time.
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
