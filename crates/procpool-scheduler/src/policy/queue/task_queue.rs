//! Tasks that wait for a worker, and which is next.

use std::time::{Duration, Instant};

use super::flow::End;
use super::flows::Shares;
use super::starvation_credit::Claim;
use crate::id::{ShareKey, TaskId};
use crate::level::Level;
use crate::policy::run_time::{Expected, nanos};

/// What a share is charged with for a function that has never finished, until it has.
const UNKNOWN: Duration = Duration::from_millis(10);

/// The bit of the level that tasks have which say nothing.
const ORDINARY: u8 = 1 << Level::Normal as u8;

/// The highest level first, the shares of a level in turn, and the tasks of a share in order.
///
/// No level starves: a level that is passed over comes to have a [`Claim`] to be served. It is lost when it is
/// served for want of others.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    levels: [Shares; Level::ALL.len()],
    /// A bit for each level in which tasks wait.
    waiting: u8,
    /// Of these, those in which tasks with a share key wait.
    keyed: u8,
    claims: [Claim; Level::ALL.len()],
    len: usize,
}

/// In which row a task waits.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Seat {
    pub(crate) level: Level,
    pub(crate) share: Option<ShareKey>,
}

impl Seat {
    /// It says nothing of its order.
    #[inline]
    pub(crate) fn is_ordinary(self) -> bool {
        self.share.is_none() && self.level == Level::Normal
    }
}

/// The task that is next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next {
    pub(crate) id: TaskId,
    seat: Seat,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(crate) fn push_back(&mut self, now: Instant, seat: Seat, id: TaskId) {
        if self.is_ordinary() && seat.is_ordinary() {
            self.levels[Level::Normal as usize].push_plain(now, id);
            self.waiting = ORDINARY;
            self.len += 1;
        } else {
            self.push(now, seat, id, End::Back);
        }
    }

    /// In front of its share, not of those that go before it.
    pub(crate) fn push_front(&mut self, now: Instant, seat: Seat, id: TaskId) {
        self.push(now, seat, id, End::Front);
    }

    fn push(&mut self, now: Instant, seat: Seat, id: TaskId, end: End) {
        self.len += 1;
        self.waiting |= 1 << seat.level as u8;
        self.levels[seat.level as usize].push(now, seat.share, id, end);
        self.note_keys(seat.level);
    }

    /// The task that is next. `look` tells of a task that still waits what is expected of it.
    #[inline]
    pub(crate) fn front(&mut self, look: impl Fn(TaskId) -> Option<Expected>) -> Option<Next> {
        if self.len == 0 {
            None
        } else if self.is_ordinary() {
            let plain = &mut self.levels[Level::Normal as usize];
            let id = plain.front_of_plain(|id| look(id).is_some())?;
            let seat = Seat::default();
            Some(Next { id, seat })
        } else {
            self.front_of_many(look)
        }
    }

    fn front_of_many(&mut self, look: impl Fn(TaskId) -> Option<Expected>) -> Option<Next> {
        let top = self.top()?;
        let level = if self.waiting.is_power_of_two() {
            top
        } else {
            self.level(top, &look)
        };
        let (share, id) = self.levels[level as usize].front(|id| look(id).is_some())?;
        let seat = Seat { level, share };
        Some(Next { id, seat })
    }

    /// The highest level, unless it is the turn of one below it.
    fn level(&mut self, top: Level, look: impl Fn(TaskId) -> Option<Expected>) -> Level {
        for level in Level::ALL {
            if level < top && self.waits(level) {
                let first = self.levels[level as usize].front(|id| look(id).is_some());
                let expected = first.and_then(|(_, id)| look(id)).flatten();
                if self.claims[level as usize].is_due(expected) {
                    return level;
                }
            }
        }
        top
    }

    /// Removes what [`front`](Self::front) gave. True if its share was charged with what it is expected to take.
    #[inline]
    pub(crate) fn pop_front(&mut self, next: Next, expected: Expected) -> bool {
        if !self.is_ordinary() {
            return self.pop_of_many(next.seat, expected);
        }
        self.levels[Level::Normal as usize].pop_plain();
        self.claims[Level::Normal as usize] = Claim::default();
        self.len -= 1;
        if self.len == 0 {
            self.waiting = 0;
        }
        false
    }

    fn pop_of_many(&mut self, seat: Seat, expected: Expected) -> bool {
        let Seat { level, share } = seat;
        match self.waiting.is_power_of_two() {
            true => self.claims[level as usize] = Claim::default(),
            false => self.pass_over(level, expected),
        }
        let charged = self.levels[level as usize].pop_front(share, cost(expected));
        self.one_less(level);
        charged
    }

    /// A task of this level is served while others wait.
    fn pass_over(&mut self, served: Level, expected: Expected) {
        let is_top = Some(served) == self.top();
        let claim = &mut self.claims[served as usize];
        match is_top {
            true => *claim = Claim::default(),
            false => claim.spend(expected),
        }
        for level in Level::ALL {
            if level < served && self.waits(level) {
                self.claims[level as usize].pass(expected);
            }
        }
    }

    /// One of the waiting tasks was resolved and waits no more.
    pub(crate) fn forget(&mut self, seat: Seat, waits: impl Fn(TaskId) -> bool) {
        self.levels[seat.level as usize].forget(seat.share, waits);
        self.one_less(seat.level);
    }

    /// Whether it matters to anyone how long a task from there has run.
    #[inline]
    pub(crate) fn is_shared(&self, seat: Seat) -> bool {
        seat.share.is_some() || self.keyed & 1 << seat.level as u8 != 0
    }

    /// A task that was dispatched has taken so much of a worker's time, or none, because it was taken back.
    /// `charged` is what it was expected to take, if that was charged.
    pub(crate) fn settle(
        &mut self,
        now: Instant,
        seat: Seat,
        dispatched: Instant,
        charged: Option<Expected>,
        used: Duration,
    ) {
        let charged = charged.map_or(0, cost);
        let shares = &mut self.levels[seat.level as usize];
        shares.settle(now, seat.share, dispatched, charged, used);
    }

    fn one_less(&mut self, level: Level) {
        self.len -= 1;
        if self.levels[level as usize].is_empty() {
            self.waiting &= !(1 << level as u8);
            self.claims[level as usize] = Claim::default();
        }
        self.note_keys(level);
    }

    fn note_keys(&mut self, level: Level) {
        let bit = 1 << level as u8;
        match self.levels[level as usize].has_keys() {
            true => self.keyed |= bit,
            false => self.keyed &= !bit,
        }
    }

    /// Whether nothing waits but tasks that say nothing of their order. Those are to pay for no order.
    #[inline]
    pub(crate) fn is_ordinary(&self) -> bool {
        (self.waiting & !ORDINARY) | self.keyed == 0
    }

    fn waits(&self, level: Level) -> bool {
        self.waiting & 1 << level as u8 != 0
    }

    fn top(&self) -> Option<Level> {
        let top = self.waiting.checked_ilog2()?;
        Level::ALL.get(top as usize).copied()
    }
}

fn cost(expected: Expected) -> u64 {
    expected.unwrap_or(nanos(UNKNOWN))
}
