//! A task, and where it is.

use std::time::{Duration, Instant};

use crate::action::Outcome;
use crate::id::{AffinityKey, FunctionKey, WorkerId};
use crate::policy::queue::QueueKey;
use crate::policy::run_time::FunctionIndex;
use crate::spec::TaskSpec;
use crate::state::deadlines::{Deadlines, Timer};

/// Where a task is, as far as the scheduler knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TaskState {
    /// It waits for a worker.
    Queued,
    /// It was sent to a worker. The worker's control page tells whether it has begun.
    Sent {
        /// The worker.
        worker: WorkerId,
        /// The slot of the dispatch.
        slot: u16,
        /// The number of the dispatch.
        dispatch_id: u64,
    },
    /// It is resolved, or was never known.
    Finished,
}

/// A task's entry in the table, from acceptance until it is resolved and no worker has it.
#[derive(Debug)]
pub(crate) struct Task<P> {
    key: FunctionKey,
    /// As in its specification, less the items that were split off.
    pub(crate) items: u32,
    pub(crate) function: FunctionIndex,
    /// In a box, since most tasks have none, and very many may wait.
    details: Option<Box<TaskDetails>>,
    /// `None`: it is resolved, and a worker still has it.
    pub(crate) payload: Option<P>,
    /// `None`: it waits, in the queue or for the end of a pause.
    pub(crate) sent: Option<DispatchIndex>,
}

/// What few tasks have: options beyond the function to run, timers, deaths.
#[derive(Default, Debug)]
pub(crate) struct TaskDetails {
    pub(crate) options: Option<TaskOptions>,
    /// Until it runs: the end of its queue timeout. After a death: the end of the pause before it runs again. Once it is
    /// resolved: the end of its grace.
    pub(crate) wait_timer: Option<Timer>,
    /// When it is cancelled.
    pub(crate) cancel_timer: Option<Timer>,
    /// It waits for the end of a pause after a death, and not in the queue.
    pub(crate) is_pausing: bool,
    /// How many workers died while they ran it.
    pub(crate) deaths: u32,
    /// How many times it was revoked because a worker had not begun it within its time limit.
    pub(crate) unclaimed_timeouts: u32,
    /// The driver was asked to split it, and has not answered.
    pub(crate) splitting: Option<Part>,
    /// The worker that has it has no items for another worker.
    pub(crate) is_indivisible: bool,
    /// The worker that has it begins no further item.
    pub(crate) is_fixed: bool,
}

/// The specification, if there is more to it than the function and the number of items.
#[derive(Debug)]
pub(crate) struct TaskOptions {
    pub(crate) spec: TaskSpec,
    pub(crate) accepted: Instant,
}

/// How many of the items that have not begun are to be split off.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Part {
    /// Half of them, for another worker.
    Half,
    /// All of them, since the running item may have passed its time limit, and must be known.
    All,
}

/// The place in which [`Sent`] is kept for a task in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DispatchIndex(pub(crate) u32);

/// What is known of a task that a worker has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// The place of the worker.
    pub(crate) worker: usize,
    pub(crate) slot: u16,
    /// The number of the dispatch.
    pub(crate) dispatch_id: u64,
    pub(crate) at: Instant,
    /// Nanoseconds that it was expected to take, at the dispatch.
    pub(crate) expected: Option<u64>,
    /// Its share was charged for that.
    pub(crate) is_charged: bool,
    /// It was sent with several items.
    pub(crate) had_items: bool,
    /// The worker is known to have claimed it, so that it need not be revoked again.
    pub(crate) is_claimed: bool,
    /// The driver was asked to revoke it, and has not answered.
    pub(crate) revoking: Option<RevokeReason>,
    /// Its worker is to be killed if it still runs the task.
    pub(crate) pending_kill: Option<PendingKill>,
}

/// A kill that waits until it is known which task the worker runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingKill {
    /// How the task is resolved. `None`: it was resolved before its grace, which is over.
    pub(crate) outcome: Option<Outcome>,
}

/// Why a task is revoked. Of two reasons at one moment, the later in this list counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum RevokeReason {
    /// Another worker is idle.
    Rebalance,
    /// Its worker will not run it soon: the worker ends, or the task in front takes too long.
    Displaced,
    /// Its worker leaves it untouched.
    Untouched,
    /// It waited too long.
    QueueTimeout,
    /// It was cancelled, unless it has begun.
    CancelIfQueued,
    /// Its time limit passed, and its worker has not begun it.
    Unbegun,
    /// It was cancelled.
    Cancel,
}

impl TaskDetails {
    /// Nothing is due for the task any more.
    pub(crate) fn disarm(&mut self, deadlines: &mut Deadlines) {
        deadlines.disarm(&mut self.wait_timer);
        deadlines.disarm(&mut self.cancel_timer);
    }
}

impl<P> Task<P> {
    #[inline]
    pub(crate) fn new(spec: TaskSpec, payload: P, function: FunctionIndex, now: Instant) -> Self {
        let details = || {
            Box::new(TaskDetails {
                options: Some(TaskOptions {
                    spec,
                    accepted: now,
                }),
                ..TaskDetails::default()
            })
        };
        Self {
            key: spec.function,
            items: spec.items,
            function,
            details: (!spec.has_defaults()).then(details),
            payload: Some(payload),
            sent: None,
        }
    }

    /// The specification, of the items that are left.
    pub(crate) fn spec(&self) -> TaskSpec {
        TaskSpec {
            items: self.items,
            ..match self.options() {
                Some(options) => options.spec,
                None => TaskSpec::new(self.key),
            }
        }
    }

    #[inline]
    fn options(&self) -> Option<&TaskOptions> {
        self.details.as_ref()?.options.as_ref()
    }

    /// As in [`spec`](Self::spec).
    #[inline]
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.options()?.spec.timeout
    }

    /// As in [`spec`](Self::spec).
    #[inline]
    pub(crate) fn affinity(&self) -> Option<AffinityKey> {
        self.options()?.spec.affinity
    }

    /// As in [`spec`](Self::spec).
    #[inline]
    pub(crate) fn queue_key(&self) -> QueueKey {
        self.options()
            .map_or_else(QueueKey::default, |options| options.spec.queue_key())
    }

    /// Whether its results come in parts.
    #[inline]
    pub(crate) fn is_in_parts(&self) -> bool {
        self.items > 1 || self.options().is_some_and(|options| options.spec.in_parts)
    }

    #[inline]
    pub(crate) fn details(&self) -> Option<&TaskDetails> {
        self.details.as_deref()
    }

    /// The details that it has, to be changed.
    #[inline]
    pub(crate) fn present_details(&mut self) -> Option<&mut TaskDetails> {
        self.details.as_deref_mut()
    }

    /// The details, to be added to.
    pub(crate) fn details_mut(&mut self) -> &mut TaskDetails {
        self.details.get_or_insert_default()
    }

    /// Whether it waits for the end of a pause, and not in the queue.
    pub(crate) fn is_pausing(&self) -> bool {
        self.details().is_some_and(|details| details.is_pausing)
    }

    /// How many workers died while they ran it.
    pub(crate) fn deaths(&self) -> u32 {
        self.details().map_or(0, |details| details.deaths)
    }

    pub(crate) fn is_resolved(&self) -> bool {
        self.payload.is_none()
    }

    /// How long a worker may leave it unclaimed.
    ///
    /// If the limit passes before the worker has begun the task, the task is revoked and not charged for it. The next
    /// worker has twice as long: a limit shorter than the time that a worker takes to wake up would otherwise have the
    /// task revoked for ever.
    pub(crate) fn claim_timeout(&self) -> Option<Duration> {
        let limit = self.timeout()?;
        Some(
            match self
                .details()
                .map_or(0, |details| details.unclaimed_timeouts)
            {
                0 => limit,
                n => limit
                    .max(Duration::from_micros(100))
                    .saturating_mul(1 << n.min(20)),
            },
        )
    }

    /// Its queue timeout, if that has passed.
    pub(crate) fn passed_queue_timeout(&self, now: Instant) -> Option<Duration> {
        let options = self.options()?;
        let limit = options.spec.queue_timeout?;
        let is_past = now.saturating_duration_since(options.accepted) >= limit;
        (is_past && self.deaths() == 0).then_some(limit)
    }
}
