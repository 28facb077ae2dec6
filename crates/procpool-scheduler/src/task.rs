//! A task: what was asked, and where it is.

use std::time::{Duration, Instant};

use crate::action::Outcome;
use crate::deadlines::Timer;
use crate::history::FunctionIndex;
use crate::id::{AffinityKey, FunctionKey, ShareKey, WorkerId};
use crate::level::Level;
use crate::queue::Seat;
use crate::scheduler::Part;

/// What the scheduler must know of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskSpec {
    /// Which function it runs.
    pub function: FunctionKey,
    /// How long it may run, or each of its items.
    pub timeout: Option<Duration>,
    /// How many items it runs one after another, each of which has the `timeout` for itself: the worker may
    /// start the clock anew so often. 1 for a single call; 0 counts as 1.
    ///
    /// This is what bounds a worker that lies about its starts, or whose items restart the clock without end.
    /// From the first start that the scheduler is told of, the task has `items` times the `timeout`; and
    /// it is told of that one at the latest when the limit has passed once since it could have begun.
    pub items: u32,
    /// How long it may wait, from acceptance until it runs.
    pub queue_timeout: Option<Duration>,
    /// How many deaths of its worker it may survive by being run again.
    pub retries: u32,
    /// How long a running function may take to notice that it is cancelled. `None`: it is killed at once.
    pub grace: Option<Duration>,
    /// How urgent it is. While higher tasks wait, a level has about a sixteenth of the time that those above
    /// it have, so that it does not starve.
    pub level: Level,
    /// Whose it is. The shares of a level have workers for equal times while tasks of each wait; tasks
    /// without a key are one share.
    pub share: Option<ShareKey>,
    /// It prefers the worker that had the same key last, if that is idle or soon done.
    pub affinity: Option<AffinityKey>,
}

impl TaskSpec {
    /// No limits, no retries, no grace, of the normal level, nobody's in particular.
    #[must_use]
    pub fn new(function: FunctionKey) -> Self {
        Self {
            function,
            timeout: None,
            items: 1,
            queue_timeout: None,
            retries: 0,
            grace: None,
            level: Level::Normal,
            share: None,
            affinity: None,
        }
    }

    pub(crate) fn seat(&self) -> Seat {
        Seat {
            level: self.level,
            share: self.share,
        }
    }
}

/// Where a task is, as far as the scheduler knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TaskState {
    /// Waiting for a worker.
    Queued,
    /// Sent to a worker. Whether that has begun it, its control page tells.
    Sent {
        /// The worker.
        worker: WorkerId,
        /// Of the dispatch.
        slot: u16,
        /// Of the dispatch.
        ticket: u64,
    },
    /// Resolved, or never known.
    Finished,
}

/// A task's entry in the table, from acceptance until it is resolved and no worker has it.
#[derive(Debug)]
pub(crate) struct Task<P> {
    key: FunctionKey,
    /// As in its specification.
    pub(crate) items: u32,
    /// The specification, if there is more to it than the function and the number of items. Most tasks have none of
    /// that, and a hundred thousand may wait.
    terms: Option<Box<TaskSpec>>,
    /// `None`: it is resolved, and only in flight yet.
    pub(crate) payload: Option<P>,
    pub(crate) function: FunctionIndex,
    pub(crate) accepted: Instant,
    /// Until it runs: its queue limit. After a death: the end of the pause before it runs again.
    /// Once resolved: the end of its grace.
    pub(crate) timer: Option<Timer>,
    /// When it is cancelled.
    pub(crate) deadline: Option<Timer>,
    /// It waits for the end of that pause, and not in the queue.
    pub(crate) pausing: bool,
    /// How many workers died while they ran it.
    pub(crate) deaths: u32,
    /// How often its time limit passed, and more, before a worker had claimed it.
    pub(crate) unclaimed: u32,
    /// The driver was asked to take items of it back, and has not answered.
    pub(crate) asked: Option<Part>,
    /// None of its items can be given to another worker.
    pub(crate) whole: bool,
    /// No further item of it begins where it is.
    pub(crate) fixed: bool,
    /// `None`: it waits, in the queue or for the end of a pause.
    pub(crate) sent: Option<Box<Sent>>,
}

/// Where a task in flight is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) worker: usize,
    pub(crate) slot: u16,
    pub(crate) ticket: u64,
    /// When it was sent.
    pub(crate) at: Instant,
    /// Nanoseconds, as the history had it at the dispatch.
    pub(crate) expected: Option<u64>,
    /// That was charged to its share.
    pub(crate) charged: bool,
    /// It had several items.
    pub(crate) several: bool,
    /// The worker is known to have claimed it: it need not be asked again.
    pub(crate) claimed: bool,
    /// The driver was asked to take it back, and has not answered.
    pub(crate) revoking: Option<Why>,
    /// Its worker is to be killed for it, if it still runs.
    pub(crate) condemned: Option<Sentence>,
}

/// What a task that has begun is told when its worker has been killed for it, or spared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sentence {
    /// `None`: it was told before its grace, which is over.
    pub(crate) outcome: Option<Outcome>,
}

/// Why a task is to be taken back. If there are two reasons at one moment, the later in this list counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Why {
    /// Another worker is idle.
    Rebalance,
    /// Its worker is not going to run it: it dies, or the task before it takes its grace.
    Displaced,
    /// Its worker leaves it untouched.
    Untouched,
    /// It waited too long.
    QueueTimeout,
    /// Nobody wants it, but who began it may finish it.
    CancelIfQueued,
    /// Its time limit passed, and its worker has not begun it.
    Unbegun,
    /// Nobody wants it.
    Cancel,
}

impl<P> Task<P> {
    pub(crate) fn new(spec: TaskSpec, payload: P, function: FunctionIndex, now: Instant) -> Self {
        let plain = TaskSpec {
            items: spec.items,
            ..TaskSpec::new(spec.function)
        };
        Self {
            key: spec.function,
            items: spec.items,
            terms: (spec != plain).then(|| Box::new(spec)),
            payload: Some(payload),
            function,
            accepted: now,
            timer: None,
            deadline: None,
            pausing: false,
            deaths: 0,
            unclaimed: 0,
            asked: None,
            whole: false,
            fixed: false,
            sent: None,
        }
    }

    /// What was asked, of the items that are left.
    pub(crate) fn spec(&self) -> TaskSpec {
        TaskSpec {
            items: self.items,
            ..match &self.terms {
                Some(terms) => **terms,
                None => TaskSpec::new(self.key),
            }
        }
    }

    /// As in [`spec`](Self::spec).
    #[inline]
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.terms.as_ref()?.timeout
    }

    /// As in [`spec`](Self::spec).
    #[inline]
    pub(crate) fn affinity(&self) -> Option<AffinityKey> {
        self.terms.as_ref()?.affinity
    }

    /// As in [`spec`](Self::spec).
    #[inline]
    pub(crate) fn seat(&self) -> Seat {
        self.terms
            .as_ref()
            .map_or_else(Seat::default, |terms| terms.seat())
    }

    /// Where it is, if a worker has it.
    #[inline]
    pub(crate) fn sent(&self) -> Option<Sent> {
        self.sent.as_deref().copied()
    }

    pub(crate) fn is_resolved(&self) -> bool {
        self.payload.is_none()
    }

    /// How long a worker may leave it unclaimed.
    ///
    /// A worker that has not begun the task when its limit passes is not charged to the task. It is taken
    /// back then, and the next worker has twice as long: were a limit shorter than it takes a worker to
    /// wake up, the task would be taken back for ever.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let limit = self.timeout()?;
        Some(match self.unclaimed {
            0 => limit,
            n => limit
                .max(Duration::from_micros(100))
                .saturating_mul(1 << n.min(20)),
        })
    }

    /// The limit that it has waited past, if it has.
    pub(crate) fn waited_past(&self, now: Instant) -> Option<Duration> {
        let limit = self.spec().queue_timeout?;
        (self.deaths == 0 && now.saturating_duration_since(self.accepted) >= limit).then_some(limit)
    }
}
