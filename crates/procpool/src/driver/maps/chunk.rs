//! Some items of a map, which one worker runs one after another.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use procpool_os::CallOffsets;
use procpool_scheduler::TaskId;
use procpool_wire::items::skip_items;
use procpool_wire::{ItemFrames, Limits, Payload, Plain};

use crate::driver::maps::map_sink::{Arrival, Intake};
use crate::driver::pool::job::{Job, Sink};
use crate::error::TaskError;
use crate::task::call::EncodedCall;

/// A chunk, from when it is made until something has come of each of its items.
///
/// Everything here happens under the pool's lock.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The number of its first item in the map.
    first: u64,
    call: ChunkCall,
    intake: Arc<Intake>,
    content: Mutex<Content>,
}

/// What is called for each item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkCall {
    pub(crate) offsets: CallOffsets,
    pub(crate) limits: Limits,
    /// Of what type the items are, if they are bare numbers.
    pub(crate) column: Option<Plain>,
    /// Each item has a time limit.
    pub(crate) clocked: bool,
    /// It is one call that makes any number of items, of which as many may be made as are wanted.
    pub(crate) is_stream: bool,
}

/// How many items of a stream are made before the first is taken.
pub(crate) const CREDIT: u32 = 128;

/// Items are counted from the first of the chunk.
#[derive(Debug)]
struct Content {
    /// Encoded, from `stored` on.
    items: Bytes,
    stored: u32,
    /// How many there are.
    count: u32,
    /// How many were told of to the map.
    answered: u32,
    /// How many the worker that has it has told of, with those that were answered before it was sent there.
    received: u32,
    /// How many were answered when it was sent to the worker that has it.
    sent_from: u32,
    /// How many items of a stream the worker has told of, modulo 2^32.
    told: u32,
    /// What is to come of the last item once those before it are answered, since that was decided.
    verdict: Option<TaskError>,
}

/// What was taken back of a chunk.
pub(crate) struct Rest {
    pub(crate) chunk: Arc<Chunk>,
    pub(crate) count: u32,
}

impl Chunk {
    pub(crate) fn new(
        intake: &Arc<Intake>,
        call: ChunkCall,
        first: u64,
        items: Bytes,
        count: u32,
    ) -> Self {
        Chunk {
            first,
            call,
            intake: Arc::clone(intake),
            content: Mutex::new(Content {
                items,
                stored: 0,
                count,
                answered: 0,
                received: 0,
                sent_from: 0,
                told: 0,
                verdict: None,
            }),
        }
    }

    /// What the scheduler is to keep for it.
    pub(crate) fn job(this: &Arc<Self>) -> Job {
        let call = EncodedCall {
            offsets: this.call.offsets,
            args: Payload::default(),
        };
        let sink = Sink::Chunk(Arc::clone(this));
        Job::new(call, this.call.limits, sink)
    }

    pub(crate) fn is_clocked(&self) -> bool {
        self.call.clocked
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.call.is_stream
    }

    pub(crate) fn column(&self) -> Option<Plain> {
        self.call.column
    }

    /// So many more items of a stream may come.
    pub(crate) fn allow(&self, more: u32) {
        let mut content = self.content.lock();
        content.count = content.count.saturating_add(more);
    }

    /// Whether the worker has told of each of so many items of a stream that it has begun.
    pub(crate) fn has_told(&self, begun: u32) -> bool {
        self.content.lock().told == begun
    }

    pub(crate) fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    /// The items that a worker is sent now: those that are not answered.
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

    /// The worker says that its next items have returned. False if it has no such items.
    pub(crate) fn returned(&self, mut frames: ItemFrames) -> bool {
        let mut content = self.content.lock();
        let Some(known) = content.receive(frames.count()) else {
            return false;
        };
        frames.skip(known);
        if !frames.is_empty() {
            content.answered += frames.count();
            self.intake.push(Arrival::Returned {
                chunk: self.first,
                frames,
            });
        }
        if self.call.is_stream {
            // What is counted of a stream is what may still come.
            content.count -= content.received;
            content.told = content.told.wrapping_add(content.received);
            (content.received, content.answered) = (0, 0);
        }
        self.judge(&mut content);
        true
    }

    /// The worker says that its next item has failed. False if it has no such item.
    pub(crate) fn failed(&self, error: TaskError) -> bool {
        let mut content = self.content.lock();
        match content.receive(1) {
            None => return false,
            Some(0) => self.fail(&mut content, 1, error),
            Some(_) => {}
        }
        self.judge(&mut content);
        true
    }

    /// The worker that has it may begin no more than so many of the items that it was sent. What it may not
    /// is a chunk of its own.
    pub(crate) fn shorten(&self, allowed: u32) -> Option<Rest> {
        if self.call.is_stream {
            return None;
        }
        let mut content = self.content.lock();
        // The worker tells how many it has begun; it can't unsay what it has answered.
        let count = content
            .sent_from
            .saturating_add(allowed)
            .clamp(content.received.max(content.answered), content.count);
        let taken = content.count - count;
        if taken == 0 {
            return None;
        }
        let mut items = Bytes::clone(&content.items);
        // All of them are there: the program itself has put them in.
        skip_items(&mut items, self.call.column, count - content.stored)?;
        content.count = count;
        let first = self.first + u64::from(count);
        Some(Rest {
            chunk: Arc::new(Chunk::new(&self.intake, self.call, first, items, taken)),
            count: taken,
        })
    }

    /// The rest, which is known to the scheduler by this name, belongs behind this chunk.
    pub(crate) fn divided(&self, rest: &Rest, task: TaskId) {
        self.intake.push(Arrival::Divided {
            chunk: self.first,
            rest: rest.chunk.first,
            count: rest.count,
            task,
        });
    }

    /// How many items it has that are not answered.
    pub(crate) fn unanswered(&self) -> u32 {
        let content = self.content.lock();
        content.count - content.answered
    }

    /// How many items the worker that has it has, with those that it has told of.
    pub(crate) fn sent(&self) -> u32 {
        let content = self.content.lock();
        content.count - content.sent_from
    }

    /// Whether the worker that has it has told of all of its items.
    pub(crate) fn is_received(&self) -> bool {
        let content = self.content.lock();
        !self.call.is_stream && content.received == content.count
    }

    /// Nothing more will come of it: what is not answered has failed.
    pub(crate) fn fail_rest(&self, error: TaskError) {
        let mut content = self.content.lock();
        let count = match self.call.is_stream {
            true => 1,
            false => content.count - content.answered,
        };
        self.fail(&mut content, count, error);
    }

    /// The last item has failed, and its worker is killed for it. What the worker has told of those
    /// before it is on the way.
    pub(crate) fn condemn(&self, error: TaskError) {
        if self.call.is_stream {
            return self.fail_rest(error);
        }
        let mut content = self.content.lock();
        content.verdict = Some(error);
        self.judge(&mut content);
    }

    /// The worker that had it is gone, with what it had not told: this is what came of that.
    pub(crate) fn bereave(&self, error: TaskError) {
        let mut content = self.content.lock();
        if content.verdict.is_some() {
            let missing = (content.count - content.answered).saturating_sub(1);
            self.fail(&mut content, missing, error);
            self.judge(&mut content);
        }
    }

    /// A worker has run it, in that time.
    pub(crate) fn ran(&self, time: Duration) {
        let items = self.sent();
        self.intake.push(Arrival::Ran { items, time });
    }

    fn fail(&self, content: &mut Content, count: u32, error: TaskError) {
        if count > 0 {
            content.answered += count;
            self.intake.push(Arrival::Failed {
                chunk: self.first,
                count,
                error,
            });
        }
    }

    fn judge(&self, content: &mut Content) {
        if content.count - content.answered <= 1
            && let Some(error) = content.verdict.take()
        {
            let count = content.count - content.answered;
            self.fail(content, count, error);
        }
    }
}

impl Content {
    /// Counts what the worker tells of, and says how much of it was answered without it. `None` if it was
    /// not sent so much.
    fn receive(&mut self, count: u32) -> Option<u32> {
        if count > self.count - self.received {
            return None;
        }
        let known = self.answered.saturating_sub(self.received).min(count);
        self.received += count;
        Some(known)
    }

    /// Gives up what is before this item.
    fn store_from(&mut self, item: u32, column: Option<Plain>) {
        if skip_items(&mut self.items, column, item - self.stored).is_some() {
            self.stored = item;
        }
    }
}
