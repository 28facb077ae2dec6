//! The results of a map, brought into the order in which they are given.

use std::collections::{BTreeMap, VecDeque};

use procpool_scheduler::TaskId;
use procpool_wire::{ItemFrames, ItemResult};

use crate::driver::MapEvent;
use crate::error::TaskError;

/// The outcomes of consecutive items.
#[derive(Debug)]
pub(super) enum Outcomes {
    Returned(ItemFrames),
    Failed { count: u32, error: TaskError },
}

/// The chunks that were sent, and their outcomes so far.
#[derive(Debug)]
pub(super) struct Results {
    /// The chunks, by the number of their first item.
    parts: BTreeMap<u64, Part>,
    /// The results that are given next, before `ready`.
    giving: ItemFrames,
    /// The outcomes that can be given now.
    ready: VecDeque<Outcomes>,
    is_ordered: bool,
    /// The number of chunks with missing outcomes.
    in_flight: usize,
    /// The bytes of arguments and results that are held, without those in `giving`.
    held: usize,
}

#[derive(Debug)]
struct Part {
    /// `None` if the pool never accepted the chunk.
    task: Option<TaskId>,
    count: u32,
    /// The number of its items whose outcome has arrived.
    arrived: u32,
    /// Outcomes that must wait for those of earlier chunks.
    waiting: Vec<Outcomes>,
    /// The bytes of its arguments.
    bytes: usize,
}

impl Results {
    pub(super) fn new() -> Self {
        Results {
            parts: BTreeMap::new(),
            giving: ItemFrames::default(),
            ready: VecDeque::new(),
            is_ordered: true,
            in_flight: 0,
            held: 0,
        }
    }

    /// Gives outcomes in the order of arrival from now on.
    pub(super) fn set_unordered(&mut self) {
        self.is_ordered = false;
        for part in self.parts.values_mut() {
            self.ready.extend(part.waiting.drain(..));
        }
        self.parts.retain(|_, part| part.arrived < part.count);
    }

    /// Returns the number of chunks with missing outcomes.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty() && !self.is_ready()
    }

    /// Returns the number of chunks that can't be given completely yet.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Returns the tasks with missing outcomes.
    pub(super) fn tasks(&self) -> Vec<TaskId> {
        let unfinished = |part: &&Part| part.arrived < part.count;
        let parts = self.parts.values().filter(unfinished);
        parts.filter_map(|part| part.task).collect()
    }

    /// Adds a chunk that the pool accepted.
    pub(super) fn sent(&mut self, first: u64, count: u32, bytes: usize, task: TaskId) {
        self.in_flight += 1;
        self.held += bytes;
        let part = Part {
            task: Some(task),
            count,
            arrived: 0,
            waiting: Vec::new(),
            bytes,
        };
        self.parts.insert(first, part);
    }

    /// Adds items that the pool did not accept, with their error.
    pub(super) fn refused(&mut self, first: u64, count: u32, error: TaskError) {
        let part = Part {
            task: None,
            count,
            arrived: 0,
            waiting: Vec::new(),
            bytes: 0,
        };
        self.in_flight += 1;
        self.parts.insert(first, part);
        self.record(first, count, Outcomes::Failed { count, error });
    }

    pub(super) fn arrive(&mut self, event: MapEvent) {
        match event {
            MapEvent::Returned { chunk, frames } => {
                self.held += frames.len();
                self.record(chunk, frames.count(), Outcomes::Returned(frames));
            }
            MapEvent::Failed {
                chunk,
                count,
                error,
            } => self.record(chunk, count, Outcomes::Failed { count, error }),
            MapEvent::Split {
                chunk,
                rest,
                count,
                task,
            } => {
                if let Some(part) = self.parts.get_mut(&chunk) {
                    part.count -= count;
                    let is_complete = part.arrived == part.count;
                    // The bytes stay with the chunk from which this one was split off.
                    self.sent(rest, count, 0, task);
                    if is_complete {
                        self.complete(chunk);
                    }
                }
            }
            MapEvent::Ran { .. } => {}
        }
    }

    /// Takes the next result if it is in `giving` and a plain number of the type `R`.
    #[inline]
    pub(super) fn next_scalar<R: 'static>(&mut self) -> Option<R> {
        self.giving.next_scalar()
    }

    /// Takes the next result or error.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Result<ItemResult<'_>, TaskError>> {
        while self.giving.is_empty() {
            if let Some(error) = self.give_more()? {
                return Some(Err(error));
            }
        }
        self.giving.next_result().map(Ok)
    }

    /// Moves on to the next outcomes when `giving` is empty. Returns the error if they are one, and
    /// `None` if there are none.
    #[cold]
    fn give_more(&mut self) -> Option<Option<TaskError>> {
        if let Some(Outcomes::Failed { count, error }) = self.ready.front_mut()
            && *count > 1
        {
            *count -= 1;
            return Some(Some(error.clone()));
        }
        Some(match self.ready.pop_front()? {
            Outcomes::Returned(frames) => {
                self.held -= frames.len();
                self.giving = frames;
                None
            }
            Outcomes::Failed { error, .. } => Some(error),
        })
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.giving.is_empty() || !self.ready.is_empty()
    }

    fn record(&mut self, chunk: u64, count: u32, outcomes: Outcomes) {
        if count == 0 {
            return;
        }
        let is_first = self.parts.first_key_value().map(|(first, _)| *first) == Some(chunk);
        let Some(part) = self.parts.get_mut(&chunk) else {
            return;
        };
        part.arrived += count;
        match is_first || !self.is_ordered {
            true => self.ready.push_back(outcomes),
            false => part.waiting.push(outcomes),
        }
        if part.arrived == part.count {
            self.complete(chunk);
        }
    }

    /// Handles that all outcomes of a chunk have arrived.
    fn complete(&mut self, chunk: u64) {
        self.in_flight -= 1;
        if let Some(part) = self.parts.get_mut(&chunk) {
            self.held -= std::mem::take(&mut part.bytes);
        }
        if !self.is_ordered {
            self.parts.remove(&chunk);
            return;
        }
        while let Some(first) = self.parts.first_entry()
            && first.get().arrived == first.get().count
        {
            self.ready.extend(first.remove().waiting);
        }
        // The outcomes that have arrived of the new first chunk can be given.
        if let Some(mut first) = self.parts.first_entry() {
            self.ready.extend(first.get_mut().waiting.drain(..));
        }
    }
}
