//! What is due when.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::id::TaskId;

/// Armed timers in the order in which they fire.
///
/// An ordered map and not a heap: most timers are disarmed before they fire, and a map forgets those at
/// once, where a heap would keep them until they come up. A pool whose tasks have no limits has an
/// empty map.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    timers: BTreeMap<Timer, Due>,
    armed: u64,
}

/// An armed timer, kept by what it is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Timer {
    at: Instant,
    number: u64,
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
    /// Those who wait at a busy worker for its warm caches have waited long enough.
    Spread,
    /// The worker has lived long enough.
    Age(usize),
    /// The head of the worker ran too long.
    Head(usize),
    /// The worker starts or stops too slowly.
    Worker(usize),
}

impl Deadlines {
    /// `None` if the moment is beyond the end of time.
    pub(crate) fn arm(&mut self, now: Instant, after: Duration, due: Due) -> Option<Timer> {
        let at = now.checked_add(after)?;
        let number = self.armed;
        self.armed += 1;
        let timer = Timer { at, number };
        self.timers.insert(timer, due);
        Some(timer)
    }

    pub(crate) fn disarm(&mut self, timer: &mut Option<Timer>) {
        if let Some(timer) = timer.take() {
            self.timers.remove(&timer);
        }
    }

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Due> {
        let first = self.timers.first_entry()?;
        (first.key().at <= now).then(|| first.remove())
    }

    pub(crate) fn first(&self) -> Option<Instant> {
        self.timers.first_key_value().map(|(timer, _)| timer.at)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }
}
