//! A chunk: consecutive items of a map, which one worker runs one after another.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use procpool_os::CallOffsets;
use procpool_scheduler::TaskId;
use procpool_wire::items::skip_items;
use procpool_wire::{ItemFrames, Limits, ScalarType};

use crate::driver::maps::map_sink::{MapEvent, MapSink};
use crate::error::TaskError;

/// A chunk. It exists until each of its items has returned or failed.
///
/// All methods are called under the pool's lock.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The number of its first item in the map.
    first: u64,
    call: ChunkCall,
    sink: Arc<MapSink>,
    content: Mutex<Content>,
}

/// The function that runs on each item, and its limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkCall {
    pub(crate) offsets: CallOffsets,
    pub(crate) limits: Limits,
    /// The type of the items, if they are bare numbers.
    pub(crate) column: Option<ScalarType>,
    /// Whether each item has a time limit.
    pub(crate) clocked: bool,
    /// Whether this is the call of a `run_stream`: one call that produces items, as many as the consumer allows.
    pub(crate) is_stream: bool,
}

/// A stream produces at most this many items that its consumer has not taken.
pub(crate) const CREDIT: u32 = 128;

/// The items of a chunk, and how far they are. Counts start at the chunk's first item.
#[derive(Debug)]
struct Content {
    /// The encoded items, from `stored` on.
    items: Bytes,
    stored: u32,
    /// The number of items.
    count: u32,
    /// How many items have returned or failed for the map.
    answered: u32,
    /// How many items the current worker has answered, plus `sent_from`.
    received: u32,
    /// How many items had returned or failed when the chunk was sent to the current worker.
    sent_from: u32,
    /// How many items of a stream the worker has sent, modulo 2^32.
    sent_items: u32,
    /// The error of the last item, if the worker is killed because of it. The item fails after all items before it are answered.
    pending_kill: Option<TaskError>,
}

/// A chunk of the items that were taken back from a worker.
pub(crate) struct Rest {
    pub(crate) chunk: Arc<Chunk>,
    pub(crate) count: u32,
}

impl Chunk {
    pub(crate) fn new(
        sink: &Arc<MapSink>,
        call: ChunkCall,
        first: u64,
        items: Bytes,
        count: u32,
    ) -> Self {
        Chunk {
            first,
            call,
            sink: Arc::clone(sink),
            content: Mutex::new(Content {
                items,
                stored: 0,
                count,
                answered: 0,
                received: 0,
                sent_from: 0,
                sent_items: 0,
                pending_kill: None,
            }),
        }
    }

    pub(crate) fn call(&self) -> &ChunkCall {
        &self.call
    }

    pub(crate) fn is_clocked(&self) -> bool {
        self.call.clocked
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.call.is_stream
    }

    pub(crate) fn column(&self) -> Option<ScalarType> {
        self.call.column
    }

    /// Lets a stream produce `more` further items.
    pub(crate) fn allow(&self, more: u32) {
        let mut content = self.content.lock();
        content.count = content.count.saturating_add(more);
    }

    /// Returns whether the worker has sent all `begun` items of a stream that it has started.
    pub(crate) fn has_sent(&self, begun: u32) -> bool {
        self.content.lock().sent_items == begun
    }

    pub(crate) fn sink(&self) -> &Arc<MapSink> {
        &self.sink
    }

    /// The items that have not ended, to be sent to a worker now.
    pub(crate) fn send(&self) -> (u32, Bytes) {
        let mut content = self.content.lock();
        if self.call.is_stream {
            content.count = CREDIT;
            return (CREDIT, Bytes::clone(&content.items));
        }
        let answered = content.answered;
        content.store_from(answered, self.call.column);
        content.received = answered;
        content.sent_from = answered;
        (content.count - answered, Bytes::clone(&content.items))
    }

    /// The worker's next items have returned. False if it has no such items.
    pub(crate) fn returned(&self, mut frames: ItemFrames) -> bool {
        let mut content = self.content.lock();
        let Some(known) = content.receive(frames.count()) else {
            return false;
        };
        frames.skip(known);
        if !frames.is_empty() {
            content.answered += frames.count();
            self.sink.push(MapEvent::Returned {
                chunk: self.first,
                frames,
            });
        }
        if self.call.is_stream {
            // Of a stream, the items that may still come are counted.
            content.count -= content.received;
            content.sent_items = content.sent_items.wrapping_add(content.received);
            (content.received, content.answered) = (0, 0);
        }
        self.finish_pending_kill(&mut content);
        true
    }

    /// The worker's next item has failed. False if it has no such item.
    pub(crate) fn failed(&self, error: TaskError) -> bool {
        let mut content = self.content.lock();
        match content.receive(1) {
            None => return false,
            Some(0) => self.fail(&mut content, 1, error),
            Some(_) => {}
        }
        self.finish_pending_kill(&mut content);
        true
    }

    /// The current worker may begin only `allowed` of the items that it was sent. The rest becomes a chunk of its own.
    pub(crate) fn split(&self, allowed: u32) -> Option<Rest> {
        if self.call.is_stream {
            return None;
        }
        let mut content = self.content.lock();
        // The number comes from the worker. It can't be less than the number of answers.
        let count = content
            .sent_from
            .saturating_add(allowed)
            .clamp(content.received.max(content.answered), content.count);
        let taken = content.count - count;
        if taken == 0 {
            return None;
        }
        let mut items = Bytes::clone(&content.items);
        // This program has encoded the items, so all of them are there.
        skip_items(&mut items, self.call.column, count - content.stored)?;
        content.count = count;
        let first = self.first + u64::from(count);
        Some(Rest {
            chunk: Arc::new(Chunk::new(&self.sink, self.call, first, items, taken)),
            count: taken,
        })
    }

    /// Tells the map that the rest, which is the scheduler's `task`, follows this chunk.
    pub(crate) fn was_split(&self, rest: &Rest, task: TaskId) {
        self.sink.push(MapEvent::Split {
            chunk: self.first,
            rest: rest.chunk.first,
            count: rest.count,
            task,
        });
    }

    /// How many items have not ended.
    pub(crate) fn unanswered(&self) -> u32 {
        let content = self.content.lock();
        content.count - content.answered
    }

    /// How many items the current worker has, including those that it has answered.
    pub(crate) fn sent(&self) -> u32 {
        let content = self.content.lock();
        content.count - content.sent_from
    }

    /// Whether the current worker has answered all of its items.
    pub(crate) fn is_received(&self) -> bool {
        let content = self.content.lock();
        !self.call.is_stream && content.received == content.count
    }

    /// All items that have not ended fail.
    pub(crate) fn fail_rest(&self, error: TaskError) {
        let mut content = self.content.lock();
        let count = match self.call.is_stream {
            true => 1,
            false => content.count - content.answered,
        };
        self.fail(&mut content, count, error);
    }

    /// The last item has failed, and its worker is killed for it. The answers for the items before it are on their way.
    pub(crate) fn mark_for_kill(&self, error: TaskError) {
        if self.call.is_stream {
            return self.fail_rest(error);
        }
        let mut content = self.content.lock();
        content.pending_kill = Some(error);
        self.finish_pending_kill(&mut content);
    }

    /// The worker has exited without the answers that were on their way: those items fail.
    pub(crate) fn fail_on_worker_exit(&self, error: TaskError) {
        let mut content = self.content.lock();
        if content.pending_kill.is_some() {
            let missing = (content.count - content.answered).saturating_sub(1);
            self.fail(&mut content, missing, error);
            self.finish_pending_kill(&mut content);
        }
    }

    /// A worker has run the chunk in `time`.
    pub(crate) fn ran(&self, time: Duration) {
        let items = self.sent();
        self.sink.push(MapEvent::Ran { items, time });
    }

    fn fail(&self, content: &mut Content, count: u32, error: TaskError) {
        if count > 0 {
            content.answered += count;
            self.sink.push(MapEvent::Failed {
                chunk: self.first,
                count,
                error,
            });
        }
    }

    fn finish_pending_kill(&self, content: &mut Content) {
        if content.count - content.answered <= 1
            && let Some(error) = content.pending_kill.take()
        {
            let count = content.count - content.answered;
            self.fail(content, count, error);
        }
    }
}

impl Content {
    /// Counts `count` answers of the worker, and gives the number of these items that had ended before. `None` if the worker
    /// was not sent so many.
    fn receive(&mut self, count: u32) -> Option<u32> {
        if count > self.count - self.received {
            return None;
        }
        let known = self.answered.saturating_sub(self.received).min(count);
        self.received += count;
        Some(known)
    }

    /// Drops the encoded items before this one.
    fn store_from(&mut self, item: u32, column: Option<ScalarType>) {
        if skip_items(&mut self.items, column, item - self.stored).is_some() {
            self.stored = item;
        }
    }
}
