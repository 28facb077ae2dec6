//! What has come of the items, brought into the order in which it is given.

use std::collections::{BTreeMap, VecDeque};

use procpool_scheduler::TaskId;
use procpool_wire::{ItemFrames, ItemResult};

use crate::driver::MapEvent;
use crate::error::TaskError;

/// What came of some items that follow each other.
#[derive(Debug)]
pub(super) enum Outcomes {
    Returned(ItemFrames),
    Failed { count: u32, error: TaskError },
}

/// Chunks that were sent, and what has come of them.
#[derive(Debug)]
pub(super) struct Results {
    /// By the number of their first item.
    parts: BTreeMap<u64, Part>,
    /// What can be given now, before all else that can.
    giving: ItemFrames,
    /// What can be given now.
    ready: VecDeque<Outcomes>,
    is_ordered: bool,
    /// Chunks of which something is still to come.
    in_flight: usize,
    /// Bytes of arguments and results that are held, but for those that are being given.
    held: usize,
}

#[derive(Debug)]
struct Part {
    /// `None` for what was never accepted.
    task: Option<TaskId>,
    count: u32,
    /// Of how many of its items something has come.
    came: u32,
    /// What has come, and has to wait for what is before it.
    waiting: Vec<Outcomes>,
    /// Of its arguments.
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

    /// Gives from now on what comes, as it comes.
    pub(super) fn disorder(&mut self) {
        self.is_ordered = false;
        for part in self.parts.values_mut() {
            self.ready.extend(part.waiting.drain(..));
        }
        self.parts.retain(|_, part| part.came < part.count);
    }

    /// How many chunks are with the pool.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty() && !self.is_ready()
    }

    /// Chunks of which not all can be given yet.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The tasks of which something is still to come.
    pub(super) fn tasks(&self) -> Vec<TaskId> {
        let unfinished = |part: &&Part| part.came < part.count;
        let parts = self.parts.values().filter(unfinished);
        parts.filter_map(|part| part.task).collect()
    }

    /// A chunk was accepted.
    pub(super) fn sent(&mut self, first: u64, count: u32, bytes: usize, task: TaskId) {
        self.in_flight += 1;
        self.held += bytes;
        let part = Part {
            task: Some(task),
            count,
            came: 0,
            waiting: Vec::new(),
            bytes,
        };
        self.parts.insert(first, part);
    }

    /// These items were not.
    pub(super) fn refused(&mut self, first: u64, count: u32, error: TaskError) {
        let part = Part {
            task: None,
            count,
            came: 0,
            waiting: Vec::new(),
            bytes: 0,
        };
        self.in_flight += 1;
        self.parts.insert(first, part);
        self.come(first, count, Outcomes::Failed { count, error });
    }

    pub(super) fn arrive(&mut self, event: MapEvent) {
        match event {
            MapEvent::Returned { chunk, frames } => {
                self.held += frames.len();
                self.come(chunk, frames.count(), Outcomes::Returned(frames));
            }
            MapEvent::Failed {
                chunk,
                count,
                error,
            } => self.come(chunk, count, Outcomes::Failed { count, error }),
            MapEvent::Split {
                chunk,
                rest,
                count,
                task,
            } => {
                if let Some(part) = self.parts.get_mut(&chunk) {
                    part.count -= count;
                    let is_whole = part.came == part.count;
                    // Its bytes are counted with the one that it was divided from.
                    self.sent(rest, count, 0, task);
                    if is_whole {
                        self.whole(chunk);
                    }
                }
            }
            MapEvent::Ran { .. } => {}
        }
    }

    /// Takes the next that can be given, if that is among those that are given now, and a bare number.
    #[inline]
    pub(super) fn next_plain<R: 'static>(&mut self) -> Option<R> {
        self.giving.next_plain()
    }

    /// Takes the next that can be given: a result, or an error.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Result<ItemResult<'_>, TaskError>> {
        while self.giving.is_empty() {
            if let Some(error) = self.give_more()? {
                return Some(Err(error));
            }
        }
        self.giving.next_result().map(Ok)
    }

    /// Nothing is left of what was given: goes on to what comes next, which may be an error. `None` if
    /// there is nothing.
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

    fn come(&mut self, chunk: u64, count: u32, outcomes: Outcomes) {
        if count == 0 {
            return;
        }
        let is_first = self.parts.first_key_value().map(|(first, _)| *first) == Some(chunk);
        let Some(part) = self.parts.get_mut(&chunk) else {
            return;
        };
        part.came += count;
        match is_first || !self.is_ordered {
            true => self.ready.push_back(outcomes),
            false => part.waiting.push(outcomes),
        }
        if part.came == part.count {
            self.whole(chunk);
        }
    }

    /// Something has come of each item of the chunk.
    fn whole(&mut self, chunk: u64) {
        self.in_flight -= 1;
        if let Some(part) = self.parts.get_mut(&chunk) {
            self.held -= std::mem::take(&mut part.bytes);
        }
        if !self.is_ordered {
            self.parts.remove(&chunk);
            return;
        }
        while let Some(first) = self.parts.first_entry()
            && first.get().came == first.get().count
        {
            self.ready.extend(first.remove().waiting);
        }
        // Of the one that is the first now, all that has come can be given.
        if let Some(mut first) = self.parts.first_entry() {
            self.ready.extend(first.get_mut().waiting.drain(..));
        }
    }
}
