//! A task: what it is made of, and where it is.

use std::time::{Duration, Instant};

use crate::action::Outcome;
use crate::id::{AffinityKey, FunctionKey, WorkerId};
use crate::policy::queue::Seat;
use crate::policy::run_time::FunctionIndex;
use crate::spec::TaskSpec;
use crate::state::task_details::{Extras, Terms};

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
        dispatch_id: u64,
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
    pub(crate) function: FunctionIndex,
    extras: Option<Box<Extras>>,
    /// `None`: it is resolved, and only in flight yet.
    pub(crate) payload: Option<P>,
    /// `None`: it waits, in the queue or for the end of a pause.
    pub(crate) sent: Option<Box<Sent>>,
}

/// Where a task in flight is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) worker: usize,
    pub(crate) slot: u16,
    pub(crate) dispatch_id: u64,
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
    #[inline]
    pub(crate) fn new(spec: TaskSpec, payload: P, function: FunctionIndex, now: Instant) -> Self {
        let extras = || {
            Box::new(Extras {
                terms: Some(Terms {
                    spec,
                    accepted: now,
                }),
                ..Extras::default()
            })
        };
        Self {
            key: spec.function,
            items: spec.items,
            function,
            extras: (!spec.is_plain()).then(extras),
            payload: Some(payload),
            sent: None,
        }
    }

    /// What was asked, of the items that are left.
    pub(crate) fn spec(&self) -> TaskSpec {
        TaskSpec {
            items: self.items,
            ..match self.terms() {
                Some(terms) => terms.spec,
                None => TaskSpec::new(self.key),
            }
        }
    }

    #[inline]
    fn terms(&self) -> Option<&Terms> {
        self.extras.as_ref()?.terms.as_ref()
    }

    /// As in [`spec`](Self::spec).
    #[inline]
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.terms()?.spec.timeout
    }

    /// As in [`spec`](Self::spec).
    #[inline]
    pub(crate) fn affinity(&self) -> Option<AffinityKey> {
        self.terms()?.spec.affinity
    }

    /// Whether what comes of it comes in parts.
    #[inline]
    pub(crate) fn is_in_parts(&self) -> bool {
        self.items > 1 || self.terms().is_some_and(|terms| terms.spec.in_parts)
    }

    /// As in [`spec`](Self::spec).
    #[inline]
    pub(crate) fn seat(&self) -> Seat {
        self.terms()
            .map_or_else(Seat::default, |terms| terms.spec.seat())
    }

    /// What it has beyond that, if anything.
    #[inline]
    pub(crate) fn extras(&self) -> Option<&Extras> {
        self.extras.as_deref()
    }

    /// The same, to be changed in what it has.
    #[inline]
    pub(crate) fn present_extras(&mut self) -> Option<&mut Extras> {
        self.extras.as_deref_mut()
    }

    /// The same, to be added to.
    pub(crate) fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// Whether it waits for the end of a pause, and not in the queue.
    pub(crate) fn is_pausing(&self) -> bool {
        self.extras().is_some_and(|extras| extras.pausing)
    }

    /// How many workers died while they ran it.
    pub(crate) fn deaths(&self) -> u32 {
        self.extras().map_or(0, |extras| extras.deaths)
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
        Some(match self.extras().map_or(0, |extras| extras.unclaimed) {
            0 => limit,
            n => limit
                .max(Duration::from_micros(100))
                .saturating_mul(1 << n.min(20)),
        })
    }

    /// The limit that it has waited past, if it has.
    pub(crate) fn waited_past(&self, now: Instant) -> Option<Duration> {
        let terms = self.terms()?;
        let limit = terms.spec.queue_timeout?;
        let is_past = now.saturating_duration_since(terms.accepted) >= limit;
        (is_past && self.deaths() == 0).then_some(limit)
    }
}
