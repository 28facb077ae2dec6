//! The flows of one level, one for each share, and which of them is served next.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::flow::{End, Flow, FlowOrder};
use crate::id::{ShareKey, TaskId};
use crate::policy::run_time::nanos;
use crate::policy::tuning::{KEPT_SHARES, REMEMBERED_SHARES};

/// Where the numbers of flows begin that have been served. They come after the numbers of flows that are new, which come
/// after those of flows that have a task back.
const SERVED: i64 = 1 << 62;

/// Start-time fair queueing by the time that workers take: of the flows in which tasks wait, the one with the least virtual
/// time is next.
///
/// A flow is charged for a dispatch at once, with the expected run time, and settled when the run time is known. Only the
/// time that a share has while others wait counts. So using an idle pool is not held against it. A flow that begins
/// starts where the flow that was served last started. When nothing waits any more, all is forgotten.
///
/// Tasks without a key are a flow of their own, which is kept apart: alone, it costs no search.
#[derive(Debug, Default)]
pub(super) struct Flows {
    plain: Flow,
    /// Flows in which tasks wait, and flows that are ahead.
    keyed: HashMap<ShareKey, Flow>,
    /// Keyed flows in which tasks wait.
    waiting: BTreeMap<FlowOrder, ShareKey>,
    /// Keyed flows in which nothing waits, and which have had more time than others, by their virtual time.
    ahead: BTreeSet<(u64, ShareKey)>,
    /// The virtual time of the flow that was served last, before that. New flows start there.
    clock: u64,
    /// The most virtual time that any flow has.
    latest: u64,
    number: i64,
    /// Since when tasks have been waiting in a flow.
    backlog: Option<Instant>,
    /// Since when tasks have been waiting in more than one flow.
    contest: Option<Instant>,
}

impl Flows {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.plain.is_empty()
    }

    /// Whether tasks with a key wait.
    pub(super) fn has_keys(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn push(&mut self, now: Instant, share: Option<ShareKey>, id: TaskId, end: End) {
        let flow = match share {
            None => &mut self.plain,
            Some(key) => self.keyed.entry(key).or_default(),
        };
        let was_empty = flow.is_empty();
        flow.push(id, end);
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
            self.plain.order = FlowOrder {
                virtual_time: self.clock.max(self.plain.order.virtual_time),
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
        self.plain.order.number = SERVED;
        self.clock = self.clock.max(self.plain.order.virtual_time);
        if self.plain.is_empty() {
            self.rest();
        }
    }

    /// The first task of the flow that is next.
    pub(super) fn front(
        &mut self,
        waits: impl Fn(TaskId) -> bool,
    ) -> Option<(Option<ShareKey>, TaskId)> {
        let share = match self.waiting.first_key_value() {
            None => None,
            Some((order, _)) if !self.plain.is_empty() && self.plain.order < *order => None,
            Some((_, &key)) => Some(key),
        };
        Some((share, self.flow(share)?.front(waits)?))
    }

    /// Removes the task that [`front`](Self::front) gave, which is expected to take `cost`. True if that was charged.
    pub(super) fn pop_front(&mut self, share: Option<ShareKey>, cost: u64) -> bool {
        let is_contest = self.contest.is_some();
        self.number += 1;
        let number = SERVED + self.number;
        let Some(flow) = self.flow(share) else {
            return false;
        };
        flow.pop_front();
        let was = flow.order;
        flow.order.number = number;
        if is_contest {
            flow.order.virtual_time = was.virtual_time.saturating_add(cost);
        }
        let (is, is_empty) = (flow.order, flow.is_empty());
        self.clock = self.clock.max(was.virtual_time);
        self.latest = self.latest.max(is.virtual_time);
        if let Some(key) = share {
            self.waiting.remove(&was);
            if !is_empty {
                self.waiting.insert(is, key);
            }
        }
        if is_empty {
            self.ends(share);
        }
        is_contest
    }

    /// One of the waiting tasks was resolved and waits no more.
    pub(super) fn forget(&mut self, share: Option<ShareKey>, waits: impl Fn(TaskId) -> bool) {
        let Some(flow) = self.flow(share) else {
            return;
        };
        flow.forget(waits);
        if flow.is_empty() {
            flow.clear();
            let order = flow.order;
            if share.is_some() {
                self.waiting.remove(&order);
            }
            self.ends(share);
        }
    }

    /// A task for which `charged` nanoseconds were charged at its dispatch has taken `used` of a worker's time.
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
        // So is the charge from before tasks began to wait.
        let charged = if dispatched < backlog { 0 } else { charged };
        let waits = self.flow(share).is_some_and(|flow| !flow.is_empty());
        // Since when other flows have been waiting.
        let since = if waits { self.contest } else { self.backlog };
        if used < charged {
            self.charge(share, |virtual_time| {
                virtual_time.saturating_sub(charged - used)
            });
        } else if let Some(since) = since {
            let more = (used - charged).min(nanos(now.saturating_duration_since(since)));
            self.charge(share, |virtual_time| virtual_time.saturating_add(more));
        }
    }

    fn charge(&mut self, share: Option<ShareKey>, change: impl FnOnce(u64) -> u64) {
        let Some(key) = share else {
            self.plain.order.virtual_time = change(self.plain.order.virtual_time);
            self.latest = self.latest.max(self.plain.order.virtual_time);
            return;
        };
        let clock = self.clock;
        let flow = self.keyed.entry(key).or_insert_with(|| {
            let mut flow = Flow::default();
            flow.order.virtual_time = clock;
            flow
        });
        let was = flow.order;
        flow.order.virtual_time = change(was.virtual_time);
        let is = flow.order;
        self.latest = self.latest.max(is.virtual_time);
        if self.waiting.remove(&was).is_some() {
            self.waiting.insert(is, key);
        } else {
            self.ahead.remove(&(was.virtual_time, key));
            self.remember(key, is.virtual_time);
        }
    }

    /// A flow has a task back that it was served. It comes before flows with the same virtual time.
    fn comes_back(&mut self, share: Option<ShareKey>) {
        self.number += 1;
        let number = -self.number;
        let Some(flow) = self.flow(share) else {
            return;
        };
        let was = std::mem::replace(&mut flow.order.number, number);
        let is = flow.order;
        if let Some(key) = share {
            self.waiting.remove(&FlowOrder { number: was, ..is });
            self.waiting.insert(is, key);
        }
    }

    /// A flow has a task where it had none.
    fn begins(&mut self, now: Instant, share: Option<ShareKey>) {
        self.number += 1;
        let (number, clock) = (self.number, self.clock);
        if let Some(flow) = self.flow(share) {
            let virtual_time = flow.order.virtual_time;
            flow.order = FlowOrder {
                virtual_time: virtual_time.max(clock),
                number,
            };
            let order = flow.order;
            self.latest = self.latest.max(order.virtual_time);
            if let Some(key) = share {
                self.ahead.remove(&(virtual_time, key));
                self.waiting.insert(order, key);
            }
        }
        match self.waiting_flows() {
            1 => self.backlog = Some(now),
            2 => self.contest = Some(now),
            _ => {}
        }
    }

    /// A flow has no task left.
    fn ends(&mut self, share: Option<ShareKey>) {
        match self.waiting_flows() {
            0 => return self.rest(),
            1 => self.contest = None,
            _ => {}
        }
        if let Some(key) = share
            && let Some(flow) = self.keyed.get_mut(&key)
        {
            flow.clear();
            let virtual_time = flow.order.virtual_time;
            self.remember(key, virtual_time);
        }
        // A flow that has had no more than those that wait need not be remembered.
        while let Some(&(virtual_time, key)) = self.ahead.first()
            && virtual_time <= self.clock
        {
            self.ahead.pop_first();
            self.keyed.remove(&key);
        }
    }

    /// Nothing waits in this flow: it is remembered only if it has had more than others.
    fn remember(&mut self, key: ShareKey, virtual_time: u64) {
        if virtual_time <= self.clock {
            self.keyed.remove(&key);
            return;
        }
        self.ahead.insert((virtual_time, key));
        if self.ahead.len() > REMEMBERED_SHARES
            && let Some((_, key)) = self.ahead.pop_first()
        {
            self.keyed.remove(&key);
        }
    }

    /// Nothing waits in any flow, so no flow has had time at the cost of another.
    #[inline]
    fn rest(&mut self) {
        (self.backlog, self.contest) = (None, None);
        self.clock = self.latest;
        if !self.keyed.is_empty() {
            self.forget_ahead();
        }
    }

    fn forget_ahead(&mut self) {
        self.ahead.clear();
        match self.keyed.capacity() > KEPT_SHARES {
            true => self.keyed = HashMap::new(),
            false => self.keyed.clear(),
        }
    }

    /// In how many flows tasks wait.
    fn waiting_flows(&self) -> usize {
        self.waiting.len() + usize::from(!self.plain.is_empty())
    }

    fn flow(&mut self, share: Option<ShareKey>) -> Option<&mut Flow> {
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
    fn the_memory_of_any_number_of_share_keys_is_given_back() {
        let mut queue = Flows::default();
        let now = Instant::now();
        queue.push(now, key(1), id(1), End::Back);
        for n in 2..=100_000 {
            // One waits always, so that it never comes to rest, and all are charged.
            queue.push(now, key(n), id(n), End::Back);
            let (share, _) = queue.front(|_| true).unwrap();
            assert!(queue.pop_front(share, 1_000));
            queue.settle(now, share, now, 1_000, Duration::from_micros(n));
            assert!(queue.keyed.len() <= REMEMBERED_SHARES + 2);
            assert!(queue.ahead.len() <= REMEMBERED_SHARES);
        }
        let (share, _) = queue.front(|_| true).unwrap();
        queue.pop_front(share, 1_000);
        assert!(queue.is_empty());
        assert!(queue.keyed.is_empty() && queue.keyed.capacity() <= KEPT_SHARES);
    }

    #[test]
    fn the_indexes_of_flows_agree_after_random_inputs() {
        let mut queue = Flows::default();
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
                    queue.push(now, share, id(n), End::Back);
                    waiting.push((share, id(n)));
                }
                6 => {
                    queue.push(now, share, id(n), End::Front);
                    waiting.push((share, id(n)));
                }
                7 | 8 if !waiting.is_empty() => {
                    let (share, _) = waiting.swap_remove(roll as usize % waiting.len());
                    let waits = |id| waiting.iter().any(|&(_, other)| other == id);
                    queue.forget(share, waits);
                }
                9..14 => {
                    let waits = |id| waiting.iter().any(|&(_, other)| other == id);
                    let next = queue.front(waits);
                    assert_eq!(next.is_none(), waiting.is_empty());
                    if let Some((share, id)) = next {
                        queue.pop_front(share, roll);
                        let place = waiting.iter().position(|&it| it == (share, id));
                        waiting.swap_remove(place.expect("it waits, in this share"));
                    }
                }
                _ => {
                    let dispatched = if roll & 1024 == 0 { start } else { now };
                    let used = Duration::from_nanos(roll);
                    queue.settle(now, share, dispatched, roll % 1_000, used);
                }
            }
            let flows = |share| waiting.iter().any(|&(other, _)| other == share);
            let keyed = (1..5).filter(|&n| flows(key(n))).count();
            assert_eq!(queue.waiting.len(), keyed);
            assert_eq!(queue.plain.is_empty(), !flows(None));
            assert_eq!(queue.keyed.len(), keyed + queue.ahead.len());
            assert_eq!(queue.contest.is_some(), queue.waiting_flows() > 1);
            assert_eq!(queue.backlog.is_some(), queue.waiting_flows() > 0);
            for (order, key) in &queue.waiting {
                assert_eq!(queue.keyed[key].order, *order);
                assert!(order.virtual_time <= queue.latest);
            }
            for (virtual_time, key) in &queue.ahead {
                assert_eq!(queue.keyed[key].order.virtual_time, *virtual_time);
            }
        }
    }
}
