//! Tasks by id.
//!
//! A slab with generations, so that an id that outlives its task does not name the next task in its place.

use crate::id::TaskId;
use crate::policy::tuning::KEPT_PLACES;

/// How many places are allocated at a time. They stay where they are: a table that grows copies nothing.
const ROW: usize = 256;

#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: Vec<Vec<Place<T>>>,
    /// How many places there are.
    places: usize,
    free: Option<u32>,
    len: usize,
    /// The generation of a new place: above all generations before the last shrink.
    first_generation: u32,
    last_generation: u32,
}

#[derive(Debug)]
pub(crate) struct Place<T> {
    generation: u32,
    content: Content<T>,
}

#[derive(Debug)]
enum Content<T> {
    Full(T),
    Free { next: Option<u32> },
}

impl<T> Place<T> {
    /// Begins the next generation of a free place, and returns it. A place whose generations are used up is abandoned, since
    /// an id is never given twice.
    #[inline]
    fn next_generation(&mut self) -> u32 {
        self.generation = self.generation.saturating_add(1);
        if self.generation == u32::MAX {
            self.content = Content::Free { next: None };
        }
        self.generation
    }
}

impl<T> Table<T> {
    pub(crate) fn new() -> Self {
        Self {
            rows: Vec::new(),
            places: 0,
            free: None,
            len: 0,
            first_generation: 0,
            last_generation: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn insert(&mut self, value: T) -> TaskId {
        self.len += 1;
        if let Some(key) = self.free {
            let place = &mut self.rows[key as usize / ROW][key as usize % ROW];
            if let Content::Free { next } = place.content {
                self.free = next;
            }
            place.content = Content::Full(value);
            return TaskId::from_parts(key, place.generation);
        }
        let key = u32::try_from(self.places).expect("4 billion tasks fit no memory");
        let generation = self.first_generation;
        if self.places.is_multiple_of(ROW) {
            self.rows.push(Vec::with_capacity(ROW));
        }
        if let Some(row) = self.rows.last_mut() {
            row.push(Place {
                generation,
                content: Content::Full(value),
            });
        }
        self.places += 1;
        TaskId::from_parts(key, generation)
    }

    #[inline]
    pub(crate) fn get(&self, id: TaskId) -> Option<&T> {
        let key = id.key();
        match self.rows.get(key / ROW)?.get(key % ROW)? {
            Place {
                generation,
                content: Content::Full(value),
            } if *generation == id.generation() => Some(value),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: TaskId) -> Option<&mut T> {
        match &mut self.full_place(id)?.content {
            Content::Full(value) => Some(value),
            Content::Free { .. } => None,
        }
    }

    /// The place of this task, if it is there.
    #[inline]
    fn full_place(&mut self, id: TaskId) -> Option<&mut Place<T>> {
        let key = id.key();
        let place = self.rows.get_mut(key / ROW)?.get_mut(key % ROW)?;
        let is_there =
            place.generation == id.generation() && matches!(place.content, Content::Full(_));
        is_there.then_some(place)
    }

    pub(crate) fn contains(&self, id: TaskId) -> bool {
        self.get(id).is_some()
    }

    pub(crate) fn remove(&mut self, id: TaskId) -> Option<T> {
        let next = Content::Free { next: self.free };
        let place = self.full_place(id)?;
        let content = std::mem::replace(&mut place.content, next);
        let generation = place.next_generation();
        self.freed(id.key(), generation);
        match content {
            Content::Full(value) => Some(value),
            Content::Free { .. } => None,
        }
    }

    /// As [`remove`](Self::remove), and drops the task where it is, so that it need not be moved.
    #[inline]
    pub(crate) fn discard(&mut self, id: TaskId) {
        let next = Content::Free { next: self.free };
        if let Some(place) = self.full_place(id) {
            place.content = next;
            let generation = place.next_generation();
            self.freed(id.key(), generation);
        }
    }

    /// The place is free, and names the next free place.
    #[inline]
    fn freed(&mut self, key: usize, generation: u32) {
        self.len -= 1;
        self.last_generation = self.last_generation.max(generation);
        if generation < u32::MAX {
            self.free = Some(key as u32);
        }
        if self.len == 0 && self.places > KEPT_PLACES && self.last_generation < u32::MAX {
            self.first_generation = self.last_generation;
            self.rows = Vec::new();
            self.places = 0;
            self.free = None;
        }
    }

    /// The ids of all, in no particular order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = TaskId> + '_ {
        let full = |place: &Place<T>| matches!(place.content, Content::Full(_));
        let places = self.rows.iter().flatten().enumerate();
        places
            .filter(move |(_, place)| full(place))
            .map(|(key, place)| TaskId::from_parts(key as u32, place.generation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_outlived_its_task_names_nothing() {
        let mut table = Table::new();
        let first = table.insert('a');
        assert_eq!(table.remove(first), Some('a'));
        let second = table.insert('b');
        assert_eq!(second.key(), first.key());
        assert_eq!(table.get(first), None);
        assert_eq!(table.remove(first), None);
        table.discard(first);
        assert_eq!(table.get(second), Some(&'b'));
        table.discard(second);
        assert_eq!((table.get(second), table.len()), (None, 0));
        let third = table.insert('c');
        assert_eq!(third.key(), first.key());
        assert_eq!(table.get(third), Some(&'c'));
    }

    #[test]
    fn a_used_up_place_is_abandoned() {
        let mut table = Table::new();
        let first = table.insert('a');
        table.rows[0][first.key()].generation = u32::MAX - 1;
        let last = TaskId::from_parts(0, u32::MAX - 1);
        assert_eq!(table.remove(last), Some('a'));
        assert_eq!(table.insert('b').key(), 1);
        assert_eq!(table.insert('c').key(), 2);
    }

    #[test]
    fn memory_of_a_burst_is_given_back_and_its_ids_stay_dead() {
        let mut table = Table::new();
        let ids: Vec<_> = (0..2 * KEPT_PLACES).map(|n| table.insert(n)).collect();
        for &id in &ids {
            table.remove(id);
        }
        assert_eq!((table.rows.capacity(), table.places), (0, 0));
        for _ in 0..2 * KEPT_PLACES {
            table.insert(0);
        }
        assert!(ids.iter().all(|&id| !table.contains(id)));
        assert_eq!(table.ids().count(), table.len());
    }
}
