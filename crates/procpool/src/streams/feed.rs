//! Pulling items from the source and sending them to the pool in chunks.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use procpool_os::CallOffsets;
use procpool_scheduler::{RefusedReason, TaskId};
use procpool_wire::ScalarType;
use serde::Serialize;

use crate::driver::{AskedRoom, Chunk, ChunkCall, MapSink, Reservation};
use crate::error::{EncodeError, TaskError};
use crate::pool::process_pool::ProcessPool;
use crate::streams::batch::{Batch, CHUNK_BYTES};
use crate::streams::pull_budget::PullBudget;
use crate::streams::results::Results;
use crate::streams::sizer::Sizer;
use crate::task::call::discard;

/// The number of chunks for each worker that may be in flight: the one it runs, and the next one.
const CHUNKS_EACH: usize = 2;

/// The limit of held arguments and results without a [`buffer`](crate::Map::buffer): 16 MiB.
const HELD_BYTES: usize = 16 << 20;

/// Pulls items from a map's source and submits them in chunks.
pub(super) struct Feed<S> {
    pool: ProcessPool,
    call: Result<ChunkCall, EncodeError>,
    /// `None` once the source has ended.
    source: Option<Pin<Box<S>>>,
    /// Whether the source is being polled. If it is still set later, the source has panicked.
    is_polling: bool,
    pub(super) sizer: Sizer,
    pub(super) buffer: Option<usize>,
    sink: Arc<MapSink>,
    /// The greatest number of workers, as of the last submitted chunk.
    workers: usize,
    /// The number of items pulled so far.
    pulled: u64,
    /// The items that were pulled and are in no chunk yet, and the number of the first.
    batch: Batch,
    first: u64,
    /// A chunk for which the pool had no room.
    held: Option<HeldChunk>,
    room: Room,
}

struct HeldChunk {
    chunk: Arc<Chunk>,
    first: u64,
    count: u32,
    bytes: usize,
}

/// The state of a map's room in the pool's queue.
enum Room {
    NotAsked,
    Asked(AskedRoom),
    Granted(Reservation),
}

/// The outcome of an attempt to send more items.
pub(super) enum Fed {
    /// Items were pulled; there may be more.
    Some,
    /// There is no room, or the source has no item at the moment.
    Nothing,
    /// The source has ended, and all its items were sent.
    End,
}

impl<S> Feed<S> {
    pub(super) fn new(
        pool: ProcessPool,
        offsets: Result<CallOffsets, EncodeError>,
        source: S,
    ) -> Self {
        let mut sizer = Sizer::new();
        let call = offsets.map(|offsets| pool.chunk_call(offsets));
        // A worker has one CPU time limit for a whole chunk, so a chunk must be a single item.
        if call
            .as_ref()
            .is_ok_and(|call| call.limits.cpu_time.is_some())
        {
            sizer.fix(1);
        }
        Feed {
            workers: pool.open().core().size().max(),
            pool,
            call,
            source: Some(Box::pin(source)),
            is_polling: false,
            sizer,
            buffer: None,
            sink: Arc::default(),
            pulled: 0,
            batch: Batch::default(),
            first: 0,
            held: None,
            room: Room::NotAsked,
        }
    }

    pub(super) fn sink(&self) -> &Arc<MapSink> {
        &self.sink
    }

    pub(super) fn pulled(&self) -> u64 {
        self.pulled
    }

    pub(super) fn chunk_size(&mut self, items: usize) {
        let limits_each = |call: &ChunkCall| call.limits.cpu_time.is_some();
        if !self.call.as_ref().is_ok_and(limits_each) {
            self.sizer.fix(items);
        }
    }

    /// Returns whether all items of the source were sent.
    pub(super) fn has_ended(&self) -> bool {
        self.source.is_none() && self.batch.count == 0 && self.held.is_none()
    }

    pub(super) fn cancel(&self, tasks: Vec<TaskId>) {
        self.pool.open().core().cancel_items(&self.sink, tasks);
    }
}

impl<S: Stream> Feed<S> {
    pub(super) fn size_hint(&self) -> (usize, Option<usize>) {
        let source = self.source.as_ref();
        source.map_or((0, Some(0)), |source| source.size_hint())
    }
}

impl<S> Feed<S>
where
    S: Stream,
    S::Item: Serialize + 'static,
{
    /// Sends one more chunk, if there is room. `outstanding` is the number of items that have been
    /// pulled and not given.
    pub(super) fn feed(
        &mut self,
        cx: &mut Context<'_>,
        results: &mut Results,
        outstanding: usize,
    ) -> Fed {
        if std::mem::take(&mut self.is_polling) {
            // The source panicked in an earlier poll, so it is not polled again.
            self.source = None;
        }
        if self.has_ended() {
            return Fed::End;
        }
        let Some(most) = self.most_now(results, outstanding) else {
            return Fed::Nothing;
        };
        match self.poll_room(cx) {
            Poll::Pending => return Fed::Nothing,
            Poll::Ready(true) => {}
            Poll::Ready(false) => return self.refuse(cx, results),
        }
        if self.held.is_some() {
            return self.submit(results);
        }
        let failed = self.pull(cx, most);
        let has_pulled = self.batch.count > 0 || failed.is_some();
        if self.batch.count > 0 {
            self.close_chunk();
            self.submit(results);
        }
        if let Some(error) = failed {
            results.refused(self.pulled - 1, 1, TaskError::Encode(error));
        }
        if !has_pulled && !self.has_ended() {
            // The source has nothing to send, so others may use the room meanwhile.
            self.room = Room::NotAsked;
        }
        match (has_pulled, self.has_ended()) {
            (true, _) => Fed::Some,
            (false, true) => Fed::End,
            (false, false) => Fed::Nothing,
        }
    }

    /// Returns how many items the next chunk may have; `None` if there is no room for any.
    fn most_now(&self, results: &Results, outstanding: usize) -> Option<usize> {
        let enough = CHUNKS_EACH.saturating_mul(self.workers.max(1));
        if results.in_flight() >= enough {
            return None;
        }
        let left = self.buffer.map(|buffer| {
            let left = buffer.saturating_sub(outstanding);
            // A small buffer is divided among all workers.
            left.min(buffer.div_ceil(enough))
        });
        let is_full = match left {
            Some(left) => left == 0,
            None => {
                let few = results.parts() < enough && !results.is_ready();
                results.held() >= HELD_BYTES && !few
            }
        };
        // Items that were already pulled are counted as outstanding, so they must be sent.
        if is_full && self.batch.count == 0 && self.held.is_none() {
            return None;
        }
        let (least, most) = self.size_hint();
        let exact = most.filter(|&most| most == least);
        let size = self.sizer.next(self.workers, exact);
        Some(size.min(left.unwrap_or(usize::MAX)).min(u32::MAX as usize))
    }

    /// Waits for room in the pool's queue; `false` if the pool is closed.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            match &mut self.room {
                Room::Granted(_) => return Poll::Ready(true),
                Room::Asked(asked) => match Pin::new(asked).poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(room)) => self.room = Room::Granted(room),
                    Poll::Ready(Err(_)) => {
                        self.room = Room::NotAsked;
                        return Poll::Ready(false);
                    }
                },
                Room::NotAsked => match self.refusal() {
                    None => return Poll::Ready(true),
                    Some(RefusedReason::Closed) => return Poll::Ready(false),
                    Some(RefusedReason::QueueFull) => {
                        self.room = Room::Asked(AskedRoom::new(self.pool.open()));
                    }
                },
            }
        }
    }

    fn refusal(&self) -> Option<RefusedReason> {
        let call = self.call.as_ref().ok()?;
        let function = self.pool.spec(call.offsets).function;
        self.pool.open().core().refusal(function)
    }

    /// Pulls at most `most` items, as long as the source has one at once. Returns the error of the last
    /// item if it can't be encoded.
    fn pull(&mut self, cx: &mut Context<'_>, most: usize) -> Option<EncodeError> {
        let source = self.source.as_mut()?;
        let mut has_ended = false;
        let mut budget = PullBudget::new();
        let (first, pulled) = (&mut self.first, &mut self.pulled);
        let mut pull = |count: u32, bytes: usize| {
            if count as usize >= most || bytes >= CHUNK_BYTES || budget.is_spent() {
                return None;
            }
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    if count == 0 {
                        *first = *pulled;
                    }
                    *pulled += 1;
                    Some(item)
                }
                Poll::Ready(None) => {
                    has_ended = true;
                    None
                }
                Poll::Pending => None,
            }
        };
        // `Batch::fill` and `discard` catch all panics but those of the source.
        self.is_polling = true;
        let filled = match &self.call {
            Ok(_) => self.batch.fill(pull),
            // The function is not in this executable, so no item can be sent.
            Err(error) => match pull(0, 0) {
                Some(item) => discard(item).and(Err(error.clone())),
                None => Ok(()),
            },
        };
        self.is_polling = false;
        if has_ended {
            self.source = None;
        }
        filled.err()
    }

    /// Makes a chunk of the pulled items. A later item that failed is not in it.
    fn close_chunk(&mut self) {
        // Without a call, nothing was encoded.
        let Ok(call) = self.call else { return };
        let (items, count) = self.batch.take();
        let (first, bytes) = (self.first, items.len());
        let column = ScalarType::of::<S::Item>();
        let call = ChunkCall { column, ..call };
        let chunk = Chunk::new(&self.sink, call, first, items, count);
        self.held = Some(HeldChunk {
            chunk: Arc::new(chunk),
            first,
            count,
            bytes,
        });
    }

    /// Submits the held chunk.
    fn submit(&mut self, results: &mut Results) -> Fed {
        let Some(held) = &self.held else {
            return Fed::Nothing;
        };
        let room = match std::mem::replace(&mut self.room, Room::NotAsked) {
            Room::Granted(room) => room.take(),
            Room::NotAsked | Room::Asked(_) => None,
        };
        let HeldChunk {
            chunk,
            first,
            count,
            bytes,
        } = held;
        let sent = self.pool.submit_chunk(chunk, *count, room);
        self.workers = self.pool.open().core().size().max();
        match sent {
            Ok(task) => results.sent(*first, *count, *bytes, task),
            Err(RefusedReason::Closed) => {
                results.refused(*first, *count, TaskError::PoolClosed);
                self.source = None;
            }
            // Another caller took the room. The next call of `feed` joins the reservation queue.
            Err(RefusedReason::QueueFull) => return Fed::Some,
        }
        self.held = None;
        Fed::Some
    }

    /// Fails the pulled items, or the next item if there are none, because the pool is closed, and ends
    /// the source.
    fn refuse(&mut self, cx: &mut Context<'_>, results: &mut Results) -> Fed {
        if self.held.is_some() {
            return self.submit(results);
        }
        if self.batch.count > 0 {
            self.close_chunk();
            return self.submit(results);
        }
        let Some(source) = &mut self.source else {
            return Fed::End;
        };
        self.is_polling = true;
        let polled = source.as_mut().poll_next(cx);
        self.is_polling = false;
        match polled {
            Poll::Pending => return Fed::Nothing,
            Poll::Ready(None) => {}
            Poll::Ready(Some(item)) => {
                let discarded = discard(item).map_err(TaskError::Encode);
                let error = discarded.err().unwrap_or(TaskError::PoolClosed);
                results.refused(self.pulled, 1, error);
                self.pulled += 1;
            }
        }
        self.source = None;
        Fed::Some
    }
}
