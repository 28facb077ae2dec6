//! The states of a worker's life, each with what exists in that state only.

use std::time::{Duration, Instant};

use crate::policy::start_gate::StartRound;
use crate::state::deadlines::{Deadlines, Timer};

#[derive(Debug)]
pub(crate) enum Life {
    /// Spawned, and not ready.
    Starting {
        /// When it has been too slow.
        timer: Option<Timer>,
        /// The round of starts that its failure would end.
        round: StartRound,
    },
    /// Runs tasks.
    Ready(Ready),
    /// Asked to exit, with nothing in flight.
    Stopping {
        /// When it has been too slow.
        timer: Option<Timer>,
    },
    /// Killed, and not reaped.
    Dying {
        /// As in [`Ready::unused`].
        unused: Option<StartRound>,
    },
    /// Reaped. The driver has yet to say which of its tasks had begun.
    Exited {
        /// As in [`Ready::unused`].
        unused: Option<StartRound>,
        /// The task that it ran had passed a limit.
        over_limit: bool,
    },
}

#[derive(Debug)]
pub(crate) struct Ready {
    /// The round of its start, until it begins a task.
    pub(crate) unused: Option<StartRound>,
    pub(crate) recycling: Recycling,
    /// When it is too old.
    pub(crate) age_timer: Option<Timer>,
    /// When the broadcast that it runs has taken too long.
    pub(crate) broadcast_timer: Option<Timer>,
    pub(crate) head: Head,
    pub(crate) idle_since: Instant,
    /// How long it has left first tasks unclaimed that were then revoked, since it last began a task.
    pub(crate) silent: Duration,
    /// It gave a result since the last look for results that are held back.
    pub(crate) gave_result: bool,
}

/// Whether the worker is to be replaced, in the order in which it comes about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Recycling {
    /// It is not.
    No,
    /// It is, when there is room for a replacement.
    Needed,
    /// A replacement is wanted.
    Replacing,
    /// Another worker is there in its place, and it takes no more tasks.
    Replaced,
}

/// The first task of a worker, which runs as far as the scheduler knows.
#[derive(Debug)]
pub(crate) struct Head {
    /// Since when it is the first.
    pub(crate) since: Instant,
    /// When its time limit may have passed.
    pub(crate) timer: Option<Timer>,
    /// The driver was asked how far the worker has come, and has not answered.
    pub(crate) is_inspected: bool,
    /// The first start that the driver told. The time of the items before it counts for nothing.
    pub(crate) first_start: Option<Instant>,
    /// The worker said that it had finished, and has been given time to deliver the result.
    pub(crate) awaits_result: bool,
}

impl Ready {
    pub(crate) fn new(now: Instant, round: StartRound, age_timer: Option<Timer>) -> Self {
        Self {
            unused: Some(round),
            recycling: Recycling::No,
            age_timer,
            broadcast_timer: None,
            head: Head::new(now),
            idle_since: now,
            silent: Duration::ZERO,
            gave_result: false,
        }
    }
}

impl Head {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            since: now,
            timer: None,
            is_inspected: false,
            first_start: None,
            awaits_result: false,
        }
    }
}

impl Life {
    /// Ends this state: nothing of it is due any more.
    pub(crate) fn disarm(&mut self, deadlines: &mut Deadlines) {
        match self {
            Life::Starting { timer, .. } | Life::Stopping { timer } => deadlines.disarm(timer),
            Life::Ready(ready) => {
                deadlines.disarm(&mut ready.age_timer);
                deadlines.disarm(&mut ready.broadcast_timer);
                deadlines.disarm(&mut ready.head.timer);
            }
            Life::Dying { .. } | Life::Exited { .. } => {}
        }
    }

    /// As in [`Ready::unused`].
    pub(crate) fn unused(&self) -> Option<StartRound> {
        match self {
            Life::Ready(Ready { unused, .. })
            | Life::Dying { unused }
            | Life::Exited { unused, .. } => *unused,
            Life::Starting { .. } | Life::Stopping { .. } => None,
        }
    }

    /// The worker has begun a task: its start was of use, and it is awake.
    #[inline]
    pub(crate) fn has_begun_task(&mut self) {
        match self {
            Life::Ready(ready) => {
                ready.unused = None;
                ready.silent = Duration::ZERO;
            }
            Life::Dying { unused } | Life::Exited { unused, .. } => *unused = None,
            Life::Starting { .. } | Life::Stopping { .. } => {}
        }
    }
}
