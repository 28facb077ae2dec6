//! The shares of one level, and whose turn it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::flow::{End, Lane, Turn};
use crate::id::{ShareKey, TaskId};
use crate::policy::run_time::nanos;

/// Of how many shares in which nothing waits it is remembered that they have had more than others.
const DEBTORS: usize = 1024;

/// Above this many places, the map of the shares is given back when nothing waits.
const KEPT: usize = 64;

/// The numbers of those that have been served come after those of who has just come, which come after those of who
/// was served and has the task back.
const SERVED: i64 = 1 << 62;

/// Start-time fair queueing by the time that workers take: of the lanes in which tasks wait, that one is next
/// whose tasks have had the least.
///
/// A dispatch is charged at once with what it is expected to take, and settled when its time is known. Only
/// what a share has while others wait counts: nobody loses by it that it had more. So a share that comes starts
/// where the one that was served last started, and when nothing waits any more, all is forgotten.
///
/// Tasks without a key are a share of their own, which is kept apart: alone, they cost no search.
#[derive(Debug, Default)]
pub(super) struct Shares {
    plain: Lane,
    /// Those in which tasks wait, and the debtors.
    keyed: HashMap<ShareKey, Lane>,
    /// Keyed lanes in which tasks wait.
    turns: BTreeMap<Turn, ShareKey>,
    /// Keyed lanes in which nothing waits, by what they have had.
    debtors: BTreeSet<(u64, ShareKey)>,
    /// What the lane had had that was served last, before that: from there on who comes has.
    clock: u64,
    /// The most that any has had.
    latest: u64,
    number: i64,
    /// Since when tasks have been waiting in some lane.
    backlog: Option<Instant>,
    /// Since when in more than one.
    contest: Option<Instant>,
}

impl Shares {
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty() && self.plain.is_empty()
    }

    /// Whether tasks without a key have others beside them.
    pub(super) fn has_keys(&self) -> bool {
        !self.turns.is_empty()
    }

    pub(super) fn push(&mut self, now: Instant, share: Option<ShareKey>, id: TaskId, end: End) {
        let lane = match share {
            None => &mut self.plain,
            Some(key) => self.keyed.entry(key).or_default(),
        };
        let was_empty = lane.is_empty();
        lane.push(id, end);
        if was_empty {
            self.begins(now, share);
        }
        if let End::Front = end {
            self.comes_back(share);
        }
    }

    /// As [`push`](Self::push), of a task without a key while no other has one.
    #[inline]
    pub(super) fn push_plain(&mut self, now: Instant, id: TaskId) {
        if self.plain.is_empty() {
            self.plain.turn = Turn {
                had: self.clock.max(self.plain.turn.had),
                number: 0,
            };
            self.backlog = Some(now);
        }
        self.plain.push(id, End::Back);
    }

    /// As [`front`](Self::front), while no task has a key.
    #[inline]
    pub(super) fn front_of_plain(&mut self, waits: impl Fn(TaskId) -> bool) -> Option<TaskId> {
        self.plain.front(waits)
    }

    /// As [`pop_front`](Self::pop_front), while no task has a key.
    #[inline]
    pub(super) fn pop_plain(&mut self) {
        self.plain.pop_front();
        self.plain.turn.number = SERVED;
        self.clock = self.clock.max(self.plain.turn.had);
        if self.plain.is_empty() {
            self.rest();
        }
    }

    /// The first task of the lane whose turn it is.
    pub(super) fn front(
        &mut self,
        waits: impl Fn(TaskId) -> bool,
    ) -> Option<(Option<ShareKey>, TaskId)> {
        let share = match self.turns.first_key_value() {
            None => None,
            Some((turn, _)) if !self.plain.is_empty() && self.plain.turn < *turn => None,
            Some((_, &key)) => Some(key),
        };
        Some((share, self.lane(share)?.front(waits)?))
    }

    /// Removes what [`front`](Self::front) gave, which is expected to take `cost`. True if that was charged.
    pub(super) fn pop_front(&mut self, share: Option<ShareKey>, cost: u64) -> bool {
        let is_contest = self.contest.is_some();
        self.number += 1;
        let number = SERVED + self.number;
        let Some(lane) = self.lane(share) else {
            return false;
        };
        lane.pop_front();
        let was = lane.turn;
        lane.turn.number = number;
        if is_contest {
            lane.turn.had = was.had.saturating_add(cost);
        }
        let (is, is_empty) = (lane.turn, lane.is_empty());
        self.clock = self.clock.max(was.had);
        self.latest = self.latest.max(is.had);
        if let Some(key) = share {
            self.turns.remove(&was);
            if !is_empty {
                self.turns.insert(is, key);
            }
        }
        if is_empty {
            self.ends(share);
        }
        is_contest
    }

    /// One of the waiting tasks was resolved and waits no more.
    pub(super) fn forget(&mut self, share: Option<ShareKey>, waits: impl Fn(TaskId) -> bool) {
        let Some(lane) = self.lane(share) else {
            return;
        };
        lane.forget(waits);
        if lane.is_empty() {
            lane.clear();
            let turn = lane.turn;
            if share.is_some() {
                self.turns.remove(&turn);
            }
            self.ends(share);
        }
    }

    /// A task that was charged with `charged` nanoseconds at its dispatch has taken `used` of a worker's time.
    pub(super) fn settle(
        &mut self,
        now: Instant,
        share: Option<ShareKey>,
        dispatched: Instant,
        charged: u64,
        used: Duration,
    ) {
        // If nothing waits, all is forgotten.
        let Some(backlog) = self.backlog else {
            return;
        };
        let used = nanos(used);
        // So is what was charged before tasks began to wait.
        let charged = if dispatched < backlog { 0 } else { charged };
        let waits = self.lane(share).is_some_and(|lane| !lane.is_empty());
        // Since when others have been waiting.
        let since = if waits { self.contest } else { self.backlog };
        if used < charged {
            self.charge(share, |had| had.saturating_sub(charged - used));
        } else if let Some(since) = since {
            let more = (used - charged).min(nanos(now.saturating_duration_since(since)));
            self.charge(share, |had| had.saturating_add(more));
        }
    }

    fn charge(&mut self, share: Option<ShareKey>, change: impl FnOnce(u64) -> u64) {
        let Some(key) = share else {
            self.plain.turn.had = change(self.plain.turn.had);
            self.latest = self.latest.max(self.plain.turn.had);
            return;
        };
        let clock = self.clock;
        let lane = self.keyed.entry(key).or_insert_with(|| {
            let mut lane = Lane::default();
            lane.turn.had = clock;
            lane
        });
        let was = lane.turn;
        lane.turn.had = change(was.had);
        let is = lane.turn;
        self.latest = self.latest.max(is.had);
        if self.turns.remove(&was).is_some() {
            self.turns.insert(is, key);
        } else {
            self.debtors.remove(&(was.had, key));
            self.retire(key, is.had);
        }
    }

    /// A lane has a task back that it was served: before others that have had as much.
    fn comes_back(&mut self, share: Option<ShareKey>) {
        self.number += 1;
        let number = -self.number;
        let Some(lane) = self.lane(share) else {
            return;
        };
        let was = std::mem::replace(&mut lane.turn.number, number);
        let is = lane.turn;
        if let Some(key) = share {
            self.turns.remove(&Turn { number: was, ..is });
            self.turns.insert(is, key);
        }
    }

    /// A lane has a task where it had none.
    fn begins(&mut self, now: Instant, share: Option<ShareKey>) {
        self.number += 1;
        let (number, clock) = (self.number, self.clock);
        if let Some(lane) = self.lane(share) {
            let had = lane.turn.had;
            lane.turn = Turn {
                had: had.max(clock),
                number,
            };
            let turn = lane.turn;
            self.latest = self.latest.max(turn.had);
            if let Some(key) = share {
                self.debtors.remove(&(had, key));
                self.turns.insert(turn, key);
            }
        }
        match self.waiting() {
            1 => self.backlog = Some(now),
            2 => self.contest = Some(now),
            _ => {}
        }
    }

    /// A lane has no task left.
    fn ends(&mut self, share: Option<ShareKey>) {
        match self.waiting() {
            0 => return self.rest(),
            1 => self.contest = None,
            _ => {}
        }
        if let Some(key) = share
            && let Some(lane) = self.keyed.get_mut(&key)
        {
            lane.clear();
            let had = lane.turn.had;
            self.retire(key, had);
        }
        // Who has had no more than those that wait need not be remembered.
        while let Some(&(had, key)) = self.debtors.first()
            && had <= self.clock
        {
            self.debtors.pop_first();
            self.keyed.remove(&key);
        }
    }

    /// Nothing waits in this lane: it is remembered only if it has had more than others.
    fn retire(&mut self, key: ShareKey, had: u64) {
        if had <= self.clock {
            self.keyed.remove(&key);
            return;
        }
        self.debtors.insert((had, key));
        if self.debtors.len() > DEBTORS
            && let Some((_, key)) = self.debtors.pop_first()
        {
            self.keyed.remove(&key);
        }
    }

    /// Nothing waits in any lane: nobody has had anything at another's cost.
    #[inline]
    fn rest(&mut self) {
        (self.backlog, self.contest) = (None, None);
        self.clock = self.latest;
        if !self.keyed.is_empty() {
            self.forget_debts();
        }
    }

    fn forget_debts(&mut self) {
        self.debtors.clear();
        match self.keyed.capacity() > KEPT {
            true => self.keyed = HashMap::new(),
            false => self.keyed.clear(),
        }
    }

    /// In how many lanes tasks wait.
    fn waiting(&self) -> usize {
        self.turns.len() + usize::from(!self.plain.is_empty())
    }

    fn lane(&mut self, share: Option<ShareKey>) -> Option<&mut Lane> {
        match share {
            None => Some(&mut self.plain),
            Some(key) => self.keyed.get_mut(&key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> TaskId {
        TaskId::from_parts(n as u32, 0)
    }

    fn key(n: u64) -> Option<ShareKey> {
        Some(ShareKey::from_hash(n))
    }

    #[test]
    fn any_number_of_keys_of_one_task_each_leaves_no_memory_behind() {
        let mut shares = Shares::default();
        let now = Instant::now();
        shares.push(now, key(1), id(1), End::Back);
        for n in 2..=100_000 {
            // One waits always, so that it never comes to rest, and all are charged.
            shares.push(now, key(n), id(n), End::Back);
            let (share, _) = shares.front(|_| true).unwrap();
            assert!(shares.pop_front(share, 1_000));
            shares.settle(now, share, now, 1_000, Duration::from_micros(n));
            assert!(shares.keyed.len() <= DEBTORS + 2);
            assert!(shares.debtors.len() <= DEBTORS);
        }
        let (share, _) = shares.front(|_| true).unwrap();
        shares.pop_front(share, 1_000);
        assert!(shares.is_empty());
        assert!(shares.keyed.is_empty() && shares.keyed.capacity() <= KEPT);
    }

    #[test]
    fn what_is_known_of_shares_agrees_whatever_happens() {
        let mut shares = Shares::default();
        let start = Instant::now();
        let mut random = 1_u64;
        let mut waiting = Vec::new();
        for n in 0..20_000 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let roll = random >> 33;
            let share = match roll / 16 % 5 {
                0 => None,
                other => key(other),
            };
            let now = start + Duration::from_micros(n);
            match roll % 16 {
                0..6 => {
                    shares.push(now, share, id(n), End::Back);
                    waiting.push((share, id(n)));
                }
                6 => {
                    shares.push(now, share, id(n), End::Front);
                    waiting.push((share, id(n)));
                }
                7 | 8 if !waiting.is_empty() => {
                    let (share, _) = waiting.swap_remove(roll as usize % waiting.len());
                    let waits = |id| waiting.iter().any(|&(_, other)| other == id);
                    shares.forget(share, waits);
                }
                9..14 => {
                    let waits = |id| waiting.iter().any(|&(_, other)| other == id);
                    let next = shares.front(waits);
                    assert_eq!(next.is_none(), waiting.is_empty());
                    if let Some((share, id)) = next {
                        shares.pop_front(share, roll);
                        let place = waiting.iter().position(|&it| it == (share, id));
                        waiting.swap_remove(place.expect("it waits, in this share"));
                    }
                }
                _ => {
                    let dispatched = if roll & 1024 == 0 { start } else { now };
                    let used = Duration::from_nanos(roll);
                    shares.settle(now, share, dispatched, roll % 1_000, used);
                }
            }
            let lanes = |share| waiting.iter().any(|&(other, _)| other == share);
            let keyed = (1..5).filter(|&n| lanes(key(n))).count();
            assert_eq!(shares.turns.len(), keyed);
            assert_eq!(shares.plain.is_empty(), !lanes(None));
            assert_eq!(shares.keyed.len(), keyed + shares.debtors.len());
            assert_eq!(shares.contest.is_some(), shares.waiting() > 1);
            assert_eq!(shares.backlog.is_some(), shares.waiting() > 0);
            for (turn, key) in &shares.turns {
                assert_eq!(shares.keyed[key].turn, *turn);
                assert!(turn.had <= shares.latest);
            }
            for (had, key) in &shares.debtors {
                assert_eq!(shares.keyed[key].turn.had, *had);
            }
        }
    }
}
