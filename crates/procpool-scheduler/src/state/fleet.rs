//! All workers, and which of them may be sent the next task.

use std::ops::{Index, IndexMut};
use std::time::Instant;

use slab::Slab;

use crate::id::WorkerId;
use crate::state::life::{Life, Recycling};
use crate::state::worker::Worker;

/// The load of a worker to which nothing may be sent behind what it has.
const CLOSED: u64 = u64::MAX;

/// Workers by place. After a worker was changed, [`refresh`](Self::refresh) brings the counts, the stack of idle workers
/// and the loads up to date. Nothing else changes those, so that they agree with the workers.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    workers: Slab<Worker>,
    counted: Vec<Option<Counted>>,
    /// The last one became idle last. It is sent the next task, because its caches are warm. The first one has been idle
    /// longest, and is stopped first.
    idle: Vec<usize>,
    /// Expected nanoseconds in flight, or `CLOSED`. They are apart from the workers, so that a search of 64 workers reads
    /// eight cache lines.
    loads: Vec<u64>,
    pub(crate) starting: usize,
    pub(crate) busy: usize,
    /// Ready workers without a task that have yet to run a broadcast.
    pub(crate) preparing: usize,
    pub(crate) stopping: usize,
    pub(crate) dying: usize,
    /// Ready workers whose replacement is wanted, or there.
    pub(crate) being_replaced: usize,
    /// Ready workers that are marked for recycling, and whose replacement is not wanted yet.
    pub(crate) needing_recycle: usize,
    /// Tasks in flight behind the first ones of ready workers.
    pub(crate) prefetched: usize,
    /// How many workers have any.
    prefetching: usize,
}

/// The part of a worker's state that the counts depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Counted {
    class: Class,
    recycling: Recycling,
    prefetched: usize,
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

impl Counted {
    fn is_being_replaced(self) -> bool {
        self.recycling >= Recycling::Replacing
    }
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

    /// By a search, since inputs that name a worker by its id only are rare.
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
        let has_tasks = !worker.flight.tasks.is_empty();
        let class = match worker.life {
            Life::Starting { .. } => Class::Starting,
            Life::Ready(_) if has_tasks => Class::Busy,
            Life::Ready(_) if worker.broadcasts.is_empty() => Class::Idle,
            Life::Ready(_) => Class::Preparing,
            Life::Stopping { .. } => Class::Stopping,
            Life::Dying { .. } | Life::Exited { .. } => Class::Dying,
        };
        let is_busy = class == Class::Busy;
        let new = Counted {
            class,
            recycling: worker
                .ready()
                .map_or(Recycling::No, |ready| ready.recycling),
            prefetched: match is_busy {
                true => worker.flight.tasks.len() - 1,
                false => 0,
            },
        };
        self.loads[place] = match is_busy && worker.accepts_behind_others() {
            true => worker.flight.load,
            false => CLOSED,
        };
        // With nearly every task, only the number of prefetched tasks changes.
        if let Some(old) = &mut self.counted[place]
            && (old.class, old.recycling) == (new.class, new.recycling)
        {
            let (was, is) = (old.prefetched, new.prefetched);
            self.prefetched = self.prefetched - was + is;
            self.prefetching = self.prefetching - usize::from(was > 0) + usize::from(is > 0);
            old.prefetched = is;
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
            self.being_replaced -= usize::from(old.is_being_replaced());
            self.needing_recycle -= usize::from(old.recycling == Recycling::Needed);
            self.prefetched -= old.prefetched;
            self.prefetching -= usize::from(old.prefetched > 0);
        }
        if let Some(new) = new {
            self.being_replaced += usize::from(new.is_being_replaced());
            self.needing_recycle += usize::from(new.recycling == Recycling::Needed);
            self.prefetched += new.prefetched;
            self.prefetching += usize::from(new.prefetched > 0);
        }
        if was == is {
            return;
        }
        match was {
            None => {}
            Some(Class::Idle) => {
                // From the end: the worker that stops being idle is mostly the last one.
                if let Some(at) = self.idle.iter().rposition(|&other| other == place) {
                    self.idle.remove(at);
                }
            }
            Some(class) => *self.tally(class) -= 1,
        }
        match is {
            None => self.loads[place] = CLOSED,
            // A worker that left its last task unclaimed may still be asleep, or stuck. Others come first.
            Some(Class::Idle) if self.is_silent(place) => self.idle.insert(0, place),
            Some(Class::Idle) => self.idle.push(place),
            Some(class) => *self.tally(class) += 1,
        }
    }

    fn is_silent(&self, place: usize) -> bool {
        let ready = self.workers[place].ready();
        ready.is_some_and(|ready| !ready.silent.is_zero())
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

    pub(crate) fn coldest_idle_being_replaced(&self) -> Option<usize> {
        let counted = |place: usize| self.counted[place];
        let mut idle = self.idle.iter().copied();
        idle.find(|&place| counted(place).is_some_and(|counted| counted.is_being_replaced()))
    }

    /// A ready worker of which this holds.
    pub(crate) fn find_recycling(&self, is_such: impl Fn(Recycling) -> bool) -> Option<usize> {
        let recycling = |worker: &Worker| worker.ready().map(|ready| ready.recycling);
        let mut workers = self.iter();
        let found = workers.find(|(_, worker)| recycling(worker).is_some_and(&is_such));
        found.map(|(place, _)| place)
    }

    pub(crate) fn ready_workers(&self) -> impl Iterator<Item = (usize, &Worker)> {
        self.iter().filter(|(_, worker)| worker.ready().is_some())
    }

    /// The worker whose start began last, of those that are starting.
    pub(crate) fn newest_starting(&self) -> Option<usize> {
        if self.starting == 0 {
            return None;
        }
        let starting = self.iter().filter(|(_, worker)| worker.is_starting());
        starting
            .max_by_key(|(_, worker)| worker.id)
            .map(|(place, _)| place)
    }

    /// The worker at this place, if it is this one and ready.
    pub(crate) fn ready_at(&self, place: usize, id: WorkerId) -> Option<&Worker> {
        let worker = self.workers.get(place)?;
        (worker.id == id && worker.ready().is_some()).then_some(worker)
    }

    /// Whether the worker is busy, and one more task of `expected` nanoseconds keeps its load within `most`.
    #[inline]
    pub(crate) fn has_room(&self, now: Instant, place: usize, expected: u64, most: u64) -> bool {
        let load = self.loads[place].saturating_add(expected);
        load <= most && self.is_on_time(now, place, most)
    }

    /// Whether the first task of the worker has run for less than `most` nanoseconds.
    #[inline]
    pub(crate) fn is_on_time(&self, now: Instant, place: usize, most: u64) -> bool {
        self.workers[place].ready().is_some_and(|ready| {
            let ran = now.saturating_duration_since(ready.head.since);
            ran.as_nanos() < u128::from(most)
        })
    }

    /// The busy worker that will be done first, if one more task of `expected` nanoseconds keeps its load within `most`.
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
            // Its first task has taken longer than `most` already, and it is not known how much longer it takes. The load
            // comes back when the worker changes.
            if self.is_on_time(now, place, most) {
                return Some(place);
            }
            self.loads[place] = CLOSED;
        }
    }

    /// As [`least_loaded`](Self::least_loaded), of the workers that have no task but the one that they run.
    pub(crate) fn least_loaded_alone(
        &self,
        now: Instant,
        expected: u64,
        most: u64,
    ) -> Option<usize> {
        let room = most.checked_sub(expected)?;
        if self.prefetching == self.busy {
            return None;
        }
        let places = self.loads.iter().enumerate();
        let alone = places.filter(|&(place, &load)| {
            load <= room
                && self.workers[place].flight.tasks.len() == 1
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
