//! The levels of waiting tasks, and which level is next.

use std::time::{Duration, Instant};

use super::flow::End;
use super::flows::Flows;
use super::starvation_credit::StarvationCredit;
use crate::id::{ShareKey, TaskId};
use crate::level::Level;
use crate::policy::run_time::{Expected, nanos};
use crate::policy::tuning::UNKNOWN_RUN;

/// The bit of the level of tasks without options.
const ORDINARY: u8 = 1 << Level::Normal as u8;

/// The highest level first, the shares of a level in turn, and the tasks of a share in order.
///
/// No level starves: a level that is passed over earns a [`StarvationCredit`]. It loses that when it is served because no
/// higher level has a task.
#[derive(Debug, Default)]
pub(crate) struct TaskQueue {
    levels: [Flows; Level::ALL.len()],
    /// A bit for each level in which tasks wait.
    waiting: u8,
    /// A bit for each level in which tasks with a share key wait.
    keyed: u8,
    credits: [StarvationCredit; Level::ALL.len()],
    len: usize,
}

/// The part of the queue in which a task waits.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct QueueKey {
    pub(crate) level: Level,
    pub(crate) share: Option<ShareKey>,
}

impl QueueKey {
    /// Whether it is the part for tasks without options.
    #[inline]
    pub(crate) fn is_ordinary(self) -> bool {
        self.share.is_none() && self.level == Level::Normal
    }
}

/// The task that is next, and where it waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NextTask {
    pub(crate) id: TaskId,
    key: QueueKey,
}

impl TaskQueue {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(crate) fn push_back(&mut self, now: Instant, key: QueueKey, id: TaskId) {
        if self.is_ordinary() && key.is_ordinary() {
            self.levels[Level::Normal as usize].push_plain(now, id);
            self.waiting = ORDINARY;
            self.len += 1;
        } else {
            self.push(now, key, id, End::Back);
        }
    }

    /// In front of the tasks of its share, and not of the shares and levels that come before that.
    pub(crate) fn push_front(&mut self, now: Instant, key: QueueKey, id: TaskId) {
        self.push(now, key, id, End::Front);
    }

    fn push(&mut self, now: Instant, key: QueueKey, id: TaskId, end: End) {
        self.len += 1;
        self.waiting |= 1 << key.level as u8;
        self.levels[key.level as usize].push(now, key.share, id, end);
        self.note_keys(key.level);
    }

    /// The task that is next. `look` gives the expected run time of a task that still waits.
    #[inline]
    pub(crate) fn front(&mut self, look: impl Fn(TaskId) -> Option<Expected>) -> Option<NextTask> {
        if self.len == 0 {
            None
        } else if self.is_ordinary() {
            let plain = &mut self.levels[Level::Normal as usize];
            let id = plain.front_of_plain(|id| look(id).is_some())?;
            let key = QueueKey::default();
            Some(NextTask { id, key })
        } else {
            self.front_of_many(look)
        }
    }

    fn front_of_many(&mut self, look: impl Fn(TaskId) -> Option<Expected>) -> Option<NextTask> {
        let top = self.top()?;
        let level = if self.waiting.is_power_of_two() {
            top
        } else {
            self.level(top, &look)
        };
        let (share, id) = self.levels[level as usize].front(|id| look(id).is_some())?;
        let key = QueueKey { level, share };
        Some(NextTask { id, key })
    }

    /// The highest level, unless a level below it has its turn.
    fn level(&mut self, top: Level, look: impl Fn(TaskId) -> Option<Expected>) -> Level {
        for level in Level::ALL {
            if level < top && self.waits(level) {
                let first = self.levels[level as usize].front(|id| look(id).is_some());
                let expected = first.and_then(|(_, id)| look(id)).flatten();
                if self.credits[level as usize].is_due(expected) {
                    return level;
                }
            }
        }
        top
    }

    /// Removes the task that [`front`](Self::front) gave. True if its share was charged for the expected run time.
    #[inline]
    pub(crate) fn pop_front(&mut self, next: NextTask, expected: Expected) -> bool {
        if !self.is_ordinary() {
            return self.pop_of_many(next.key, expected);
        }
        self.levels[Level::Normal as usize].pop_plain();
        self.credits[Level::Normal as usize] = StarvationCredit::default();
        self.len -= 1;
        if self.len == 0 {
            self.waiting = 0;
        }
        false
    }

    fn pop_of_many(&mut self, key: QueueKey, expected: Expected) -> bool {
        let QueueKey { level, share } = key;
        match self.waiting.is_power_of_two() {
            true => self.credits[level as usize] = StarvationCredit::default(),
            false => self.pass_over(level, expected),
        }
        let charged = self.levels[level as usize].pop_front(share, cost(expected));
        self.one_less(level);
        charged
    }

    /// A task of this level is served while others wait.
    fn pass_over(&mut self, served: Level, expected: Expected) {
        let is_top = Some(served) == self.top();
        let credit = &mut self.credits[served as usize];
        match is_top {
            true => *credit = StarvationCredit::default(),
            false => credit.spend(expected),
        }
        for level in Level::ALL {
            if level < served && self.waits(level) {
                self.credits[level as usize].earn(expected);
            }
        }
    }

    /// One of the waiting tasks was resolved and waits no more.
    pub(crate) fn forget(&mut self, key: QueueKey, waits: impl Fn(TaskId) -> bool) {
        self.levels[key.level as usize].forget(key.share, waits);
        self.one_less(key.level);
    }

    /// Whether the run time of a task from there matters to another share.
    #[inline]
    pub(crate) fn is_shared(&self, key: QueueKey) -> bool {
        key.share.is_some() || self.keyed & 1 << key.level as u8 != 0
    }

    /// A task that was dispatched has taken so much of a worker's time, or none if it was revoked. `charged` is the expected
    /// run time, if that was charged.
    pub(crate) fn settle(
        &mut self,
        now: Instant,
        key: QueueKey,
        dispatched: Instant,
        charged: Option<Expected>,
        used: Duration,
    ) {
        let charged = charged.map_or(0, cost);
        let flows = &mut self.levels[key.level as usize];
        flows.settle(now, key.share, dispatched, charged, used);
    }

    fn one_less(&mut self, level: Level) {
        self.len -= 1;
        if self.levels[level as usize].is_empty() {
            self.waiting &= !(1 << level as u8);
            self.credits[level as usize] = StarvationCredit::default();
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

    /// Whether only tasks without options wait. Those take a faster path.
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
    expected.unwrap_or(nanos(UNKNOWN_RUN))
}
