//! All workers, and who of them may be given the next task.

use std::ops::{Index, IndexMut};
use std::time::Instant;

use slab::Slab;

use crate::id::WorkerId;
use crate::state::worker::{Stage, Worker};

/// The load of a worker that nothing may be sent ahead to.
const CLOSED: u64 = u64::MAX;

/// Workers by place. After a worker was changed, [`refresh`](Self::refresh) brings the counts, the idle
/// stack and the loads up to date; nothing else does, so they cannot drift apart.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    workers: Slab<Worker>,
    counted: Vec<Option<Counted>>,
    /// The last one became idle last: it is given the next task, because its caches are warm, and the first
    /// one has been idle longest, so that it is the first to be stopped.
    idle: Vec<usize>,
    /// Expected nanoseconds in flight, or `CLOSED`. Apart from the workers, so that 64 of them are eight
    /// cache lines to search.
    loads: Vec<u64>,
    pub(crate) starting: usize,
    pub(crate) busy: usize,
    /// Ready workers without a task that have yet to run a broadcast.
    pub(crate) preparing: usize,
    pub(crate) stopping: usize,
    pub(crate) dying: usize,
    /// Ready workers near their limit, or worn, whose replacement is wanted.
    pub(crate) retiring: usize,
    /// Ready workers that are worn, and not yet retiring.
    pub(crate) worn: usize,
    /// Tasks in flight behind the heads of ready workers.
    pub(crate) ahead: usize,
    /// How many workers have any.
    followed: usize,
}

/// What of a worker is in the counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Counted {
    class: Class,
    retiring: bool,
    worn: bool,
    ahead: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    Starting,
    Idle,
    Preparing,
    Busy,
    Stopping,
    Dying,
}

impl Fleet {
    pub(crate) fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    /// Workers that are ready.
    #[inline]
    pub(crate) fn ready(&self) -> usize {
        self.idle.len() + self.preparing + self.busy
    }

    #[inline]
    pub(crate) fn idle(&self) -> usize {
        self.idle.len()
    }

    /// Searched: what names a worker only by its id is rare.
    pub(crate) fn find(&self, id: WorkerId) -> Option<usize> {
        self.iter()
            .find(|(_, worker)| worker.id == id)
            .map(|(place, _)| place)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Worker)> {
        self.workers.iter()
    }

    pub(crate) fn places(&self) -> Vec<usize> {
        self.workers.iter().map(|(place, _)| place).collect()
    }

    pub(crate) fn insert(&mut self, worker: Worker) -> usize {
        let place = self.workers.insert(worker);
        if place == self.loads.len() {
            self.loads.push(CLOSED);
            self.counted.push(None);
        }
        self.refresh(place);
        place
    }

    pub(crate) fn remove(&mut self, place: usize) -> Worker {
        let worker = self.workers.remove(place);
        self.count(place, None);
        worker
    }

    #[inline]
    pub(crate) fn refresh(&mut self, place: usize) {
        let worker = &self.workers[place];
        let class = match worker.stage {
            Stage::Starting => Class::Starting,
            Stage::Ready if !worker.in_flight.is_empty() => Class::Busy,
            Stage::Ready if worker.briefings.is_empty() => Class::Idle,
            Stage::Ready => Class::Preparing,
            Stage::Stopping => Class::Stopping,
            Stage::Dying | Stage::Exited => Class::Dying,
        };
        let ready = matches!(class, Class::Idle | Class::Preparing | Class::Busy);
        let ahead = if ready {
            worker.in_flight.len().saturating_sub(1)
        } else {
            0
        };
        let retiring = ready && worker.retiring;
        let worn = ready && worker.worn && !worker.retiring;
        let load = if class == Class::Busy && worker.accepts_ahead() {
            worker.load
        } else {
            CLOSED
        };
        self.loads[place] = load;
        let new = Counted {
            class,
            retiring,
            worn,
            ahead,
        };
        // With nearly every task no more than this changes.
        if let Some(old) = &mut self.counted[place]
            && (Counted { ahead, ..*old }) == new
        {
            self.ahead = self.ahead - old.ahead + ahead;
            self.followed = self.followed - usize::from(old.ahead > 0) + usize::from(ahead > 0);
            old.ahead = ahead;
            return;
        }
        self.count(place, Some(new));
    }

    #[inline(never)]
    fn count(&mut self, place: usize, new: Option<Counted>) {
        let old = std::mem::replace(&mut self.counted[place], new);
        if old == new {
            return;
        }
        let class = |counted: Option<Counted>| counted.map(|counted| counted.class);
        let (was, is) = (class(old), class(new));
        if let Some(old) = old {
            self.retiring -= usize::from(old.retiring);
            self.worn -= usize::from(old.worn);
            self.ahead -= old.ahead;
            self.followed -= usize::from(old.ahead > 0);
        }
        if let Some(new) = new {
            self.retiring += usize::from(new.retiring);
            self.worn += usize::from(new.worn);
            self.ahead += new.ahead;
            self.followed += usize::from(new.ahead > 0);
        }
        if was == is {
            return;
        }
        match was {
            None => {}
            Some(Class::Idle) => {
                // From the end: who stops being idle was mostly the last to become so.
                if let Some(at) = self.idle.iter().rposition(|&other| other == place) {
                    self.idle.remove(at);
                }
            }
            Some(class) => *self.tally(class) -= 1,
        }
        match is {
            None => self.loads[place] = CLOSED,
            // One that left its last task unclaimed may still be asleep, or stuck: others first.
            Some(Class::Idle) if !self.workers[place].silent.is_zero() => {
                self.idle.insert(0, place)
            }
            Some(Class::Idle) => self.idle.push(place),
            Some(class) => *self.tally(class) += 1,
        }
    }

    fn tally(&mut self, class: Class) -> &mut usize {
        match class {
            Class::Starting => &mut self.starting,
            Class::Preparing => &mut self.preparing,
            Class::Idle | Class::Busy => &mut self.busy,
            Class::Stopping => &mut self.stopping,
            Class::Dying => &mut self.dying,
        }
    }

    #[inline]
    pub(crate) fn warmest_idle(&self) -> Option<usize> {
        self.idle.last().copied()
    }

    pub(crate) fn coldest_idle(&self) -> Option<usize> {
        self.idle.first().copied()
    }

    pub(crate) fn coldest_idle_retiring(&self) -> Option<usize> {
        let mut idle = self.idle.iter().copied();
        idle.find(|&place| self.workers[place].retiring)
    }

    /// The one that has begun to start last.
    pub(crate) fn newest_starting(&self) -> Option<usize> {
        if self.starting == 0 {
            return None;
        }
        let starting = self
            .iter()
            .filter(|(_, worker)| worker.stage == Stage::Starting);
        starting
            .max_by_key(|(_, worker)| worker.id)
            .map(|(place, _)| place)
    }

    /// The worker that is or was at this place, if it is this one and ready.
    pub(crate) fn ready_at(&self, place: usize, id: WorkerId) -> Option<&Worker> {
        let worker = self.workers.get(place)?;
        (worker.id == id && worker.stage == Stage::Ready).then_some(worker)
    }

    /// Whether the worker is busy and soon done, if one more task of `expected` nanoseconds keeps it within
    /// `most`.
    #[inline]
    pub(crate) fn has_room(&self, now: Instant, place: usize, expected: u64, most: u64) -> bool {
        let load = self.loads[place].saturating_add(expected);
        load <= most && self.is_on_time(now, place, most)
    }

    /// Whether the head of the worker has run for less than `most` nanoseconds.
    #[inline]
    pub(crate) fn is_on_time(&self, now: Instant, place: usize, most: u64) -> bool {
        let head_ran = now.saturating_duration_since(self.workers[place].head_since);
        head_ran.as_nanos() < u128::from(most)
    }

    /// The busy worker that is to be done first, if one more task of `expected` nanoseconds keeps it within
    /// `most`.
    #[inline]
    pub(crate) fn least_loaded(&mut self, now: Instant, expected: u64, most: u64) -> Option<usize> {
        let room = most.checked_sub(expected)?;
        loop {
            let (place, &load) = self
                .loads
                .iter()
                .enumerate()
                .min_by_key(|&(_, load)| load)?;
            if load > room {
                return None;
            }
            // Its head was expected to take no longer than `most` and has: who knows for how long yet.
            // The load comes back when something changes there.
            if self.is_on_time(now, place, most) {
                return Some(place);
            }
            self.loads[place] = CLOSED;
        }
    }

    /// As [`least_loaded`](Self::least_loaded), of those that have no task but the one that they run.
    pub(crate) fn least_loaded_alone(
        &self,
        now: Instant,
        expected: u64,
        most: u64,
    ) -> Option<usize> {
        let room = most.checked_sub(expected)?;
        if self.followed == self.busy {
            return None;
        }
        let places = self.loads.iter().enumerate();
        let alone = places.filter(|&(place, &load)| {
            load <= room
                && self.workers[place].in_flight.len() == 1
                && self.is_on_time(now, place, most)
        });
        let (place, _) = alone.min_by_key(|&(_, load)| load)?;
        Some(place)
    }
}

impl Index<usize> for Fleet {
    type Output = Worker;

    #[inline]
    fn index(&self, place: usize) -> &Worker {
        &self.workers[place]
    }
}

impl IndexMut<usize> for Fleet {
    #[inline]
    fn index_mut(&mut self, place: usize) -> &mut Worker {
        &mut self.workers[place]
    }
}
