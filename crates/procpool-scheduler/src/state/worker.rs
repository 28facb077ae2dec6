//! A worker process as the scheduler knows it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::id::{BroadcastId, TaskId, WorkerId};
use crate::policy::start_gate::Round;
use crate::state::deadlines::Timer;
use crate::state::free_slots::FreeSlots;

#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) stage: Stage,
    /// Of its stage: to be ready, to have run a broadcast, or to be gone.
    pub(crate) timer: Option<Timer>,
    /// In the order in which it runs them. The head runs, as far as anyone knows.
    pub(crate) in_flight: VecDeque<TaskId>,
    /// What it has yet to run before its next task, and, if it is ready, was told to, in order.
    pub(crate) briefings: VecDeque<BroadcastId>,
    free_slots: FreeSlots,
    /// Nanoseconds that the known functions in flight are expected to take.
    pub(crate) load: u64,
    /// How many functions in flight are not known.
    pub(crate) unknown: usize,
    /// How many in flight were asked to give up and may still take their grace.
    pub(crate) graces: usize,
    /// Revocations that the driver has not answered.
    pub(crate) unanswered: usize,
    /// Since when its head has been the head.
    pub(crate) head_since: Instant,
    /// The head's time limit.
    pub(crate) head_timer: Option<Timer>,
    /// Of the last head that had a limit.
    pub(crate) clock: Clock,
    pub(crate) idle_since: Instant,
    /// How long it has left heads unclaimed that were then taken back, since it last gave a sign.
    pub(crate) silent: Duration,
    /// It gave a result since the last look at what it may hold back.
    pub(crate) heard: bool,
    /// Tasks sent and not taken back.
    pub(crate) taken: u64,
    /// The most it may take.
    pub(crate) limit: u64,
    /// The end of its allotted time.
    pub(crate) age_timer: Option<Timer>,
    /// It is to be replaced when there is a chance: it is old, or has grown.
    pub(crate) worn: bool,
    /// It is near its limit or worn, and another worker is started in its place.
    pub(crate) retiring: bool,
    /// It is to take nothing more, whatever its limit.
    pub(crate) closed: bool,
    /// What it ran when it ended had passed a limit.
    pub(crate) over_limit: bool,
    /// It became ready, and has neither begun a task nor been asked to leave.
    pub(crate) untried: bool,
    /// Which failure its start was an answer to.
    pub(crate) round: Round,
}

/// What was heard of the run of a head whose time limit may have passed.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Clock {
    /// The driver was asked how far the worker has come, and has not answered.
    pub(crate) asked: bool,
    /// The first start that was told. What it had before, of whatever items, counts for nothing.
    pub(crate) first: Option<Instant>,
    /// The worker said that it had finished, and has been given time to deliver the result.
    pub(crate) awaited: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Spawned, not ready.
    Starting,
    /// Runs tasks.
    Ready,
    /// Asked to exit; has nothing in flight.
    Stopping,
    /// Killed, not reaped.
    Dying,
    /// Reaped; some of its tasks are still to be asked for.
    Exited,
}

impl Worker {
    pub(crate) fn new(id: WorkerId, now: Instant, window: usize, limit: u64, round: Round) -> Self {
        Self {
            id,
            stage: Stage::Starting,
            timer: None,
            in_flight: VecDeque::new(),
            briefings: VecDeque::new(),
            free_slots: FreeSlots::new(window),
            load: 0,
            unknown: 0,
            graces: 0,
            unanswered: 0,
            head_since: now,
            head_timer: None,
            clock: Clock::default(),
            idle_since: now,
            silent: Duration::ZERO,
            heard: false,
            taken: 0,
            limit,
            age_timer: None,
            worn: false,
            retiring: false,
            closed: false,
            over_limit: false,
            untried: false,
            round,
        }
    }

    /// It may take tasks as far as its limit goes, whether or not it has room now.
    #[inline]
    pub(crate) fn accepts(&self) -> bool {
        self.stage == Stage::Ready && !self.closed && self.taken < self.limit
    }

    /// A task may be sent after those in flight, if that is little work.
    #[inline]
    pub(crate) fn accepts_ahead(&self) -> bool {
        self.accepts()
            && self.briefings.is_empty()
            && !self.free_slots.is_empty()
            && self.unknown == 0
            && self.graces == 0
    }

    /// Worn, or near enough its limit, for a replacement to be started.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.worn || self.taken >= self.limit - self.limit / 8
    }

    #[inline]
    pub(crate) fn add(&mut self, task: TaskId, expected: Option<u64>) -> u16 {
        // Who has none left is sent nothing.
        let slot = self.free_slots.take().unwrap_or_default();
        match expected {
            Some(nanos) => self.load += nanos,
            None => self.unknown += 1,
        }
        self.in_flight.push_back(task);
        self.taken += 1;
        slot
    }

    /// True if the task was the head.
    #[inline]
    pub(crate) fn remove(&mut self, task: TaskId, slot: u16, expected: Option<u64>) -> bool {
        self.free_slots.give(slot);
        match expected {
            Some(nanos) => self.load -= nanos,
            None => self.unknown -= 1,
        }
        // Nearly always the head, or else the last.
        match self.in_flight.iter().position(|&other| other == task) {
            Some(0) => {
                self.in_flight.pop_front();
                true
            }
            Some(at) => {
                self.in_flight.remove(at);
                false
            }
            None => false,
        }
    }
}
