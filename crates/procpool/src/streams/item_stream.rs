//! The items that one call produces, as a stream.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use procpool_scheduler::{TaskId, TaskSpec};
use procpool_wire::ItemFrames;
use procpool_wire::items::push_item;
use procpool_wire::{RunItems, value};
use procpool_worker::StreamCall;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::driver::{CREDIT, Chunk, ChunkCall, Job, MapEvent, MapSink, OpenPool};
use crate::error::{EncodeError, TaskError};
use crate::pool::process_pool::ProcessPool;
use crate::task::call::{discard, offsets};
use crate::task::catch::catch;
use crate::task::future::decode_result;

/// A stream yields to the runtime's other tasks after this many items in a row.
const IN_A_ROW: u32 = 128;

/// A [`Stream`] of the items that one call produces, returned by [`ProcessPool::run_stream`].
///
/// The worker produces at most 128 items ahead, and then waits until half of them have been taken. If
/// the call fails, the stream gives the items before the failure, then the error, and ends.
///
/// # Cancel safety
/// **Dropping the stream ends the call.** If the call has not started, it never runs. If its worker
/// waits, or is between two items, the worker drops the iterator and keeps running. If it is computing
/// an item, it is killed and replaced. Dropping the future of a `next()` loses nothing.
#[must_use = "dropping a stream of items ends the call that makes them"]
pub struct ItemStream<R> {
    /// `None` once the last item or an error has arrived.
    call: Option<(Arc<OpenPool>, TaskId)>,
    sink: Arc<MapSink>,
    events: Vec<MapEvent>,
    ready: VecDeque<ItemFrames>,
    error: Option<TaskError>,
    /// The number of items given since the worker was last allowed to produce more.
    given: u32,
    in_a_row: u32,
    item: PhantomData<fn() -> R>,
}

impl<S> ProcessPool<S> {
    /// Runs `function(args)` in a worker process, and streams the items of the iterator that it
    /// returns, as they are produced.
    ///
    /// The pool accepts the call at once, as with [`run_in_process`](ProcessPool::run_in_process). The
    /// worker is busy until it has produced the last item, also while it waits for items to be taken.
    /// If every worker has such a call, the pool runs nothing else.
    ///
    /// [`TaskOptions::timeout`](crate::TaskOptions::timeout) covers the whole call, including that
    /// waiting. The call is never retried, since some items would arrive twice.
    ///
    /// # Errors
    /// This call returns no error; the stream gives a [`TaskError`] as its last item.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::{StreamExt, TryStreamExt};
    ///
    /// fn collatz(start: u64) -> impl Iterator<Item = u64> {
    ///     std::iter::successors(Some(start), |&n| match n {
    ///         1 => None,
    ///         n if n % 2 == 0 => Some(n / 2),
    ///         n => Some(3 * n + 1),
    ///     })
    /// }
    ///
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let steps: Vec<u64> = pool.run_stream(collatz, 6).try_collect().await?;
    /// assert_eq!(steps, [6, 3, 10, 5, 16, 8, 4, 2, 1]);
    /// # Ok(()) }
    /// ```
    pub fn run_stream<A, I, R>(&self, function: fn(A) -> I, args: A) -> ItemStream<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        I: IntoIterator<Item = R> + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        let sink = Arc::default();
        let started = self.start_stream(&sink, function, args);
        let (call, error) = match started {
            Ok(task) => (Some((Arc::clone(self.open()), task)), None),
            Err(error) => (None, Some(error)),
        };
        ItemStream {
            call,
            sink,
            events: Vec::new(),
            ready: VecDeque::new(),
            error,
            given: 0,
            in_a_row: 0,
            item: PhantomData,
        }
    }

    fn start_stream<A, I>(
        &self,
        sink: &Arc<MapSink>,
        function: fn(A) -> I,
        args: A,
    ) -> Result<TaskId, TaskError>
    where
        A: Serialize + DeserializeOwned + 'static,
        I: IntoIterator + 'static,
        I::Item: Serialize,
    {
        let offsets = offsets::<_, StreamCall>(function);
        let items = offsets.and_then(|offsets| Ok((offsets, encode(&args)?)));
        let (offsets, items) = discard(args).and(items).map_err(TaskError::Encode)?;
        let call = ChunkCall {
            is_stream: true,
            clocked: false,
            ..self.chunk_call(offsets)
        };
        let chunk = Arc::new(Chunk::new(sink, call, 0, items.into(), CREDIT));
        let spec = TaskSpec {
            retries: 0,
            in_parts: true,
            ..self.spec(offsets)
        };
        let submitted = self.open().core().submit(spec, Job::of_chunk(&chunk), None);
        submitted.map_err(TaskError::refused)
    }
}

fn encode<A: Serialize>(args: &A) -> Result<Vec<u8>, EncodeError> {
    let mut items = Vec::new();
    match catch(|| push_item(&mut items, |out| value::encode(args, out))) {
        Some(Ok(())) => Ok(items),
        Some(Err(Some(error))) => Err(EncodeError::args(error)),
        Some(Err(None)) => Err(EncodeError::args(format_args!(
            "the arguments take more than {} bytes",
            RunItems::MAX_ARGS_LEN
        ))),
        None => Err(EncodeError::args(
            "the `Serialize` of the arguments panicked",
        )),
    }
}

impl<R> ItemStream<R> {
    fn receive(&mut self, cx: &mut Context<'_>) {
        self.sink.take(&mut self.events, cx);
        for event in self.events.drain(..) {
            match event {
                MapEvent::Returned { frames, .. } => self.ready.push_back(frames),
                MapEvent::Failed { error, .. } => {
                    self.error.get_or_insert(error);
                    self.call = None;
                }
                MapEvent::Ran { .. } => self.call = None,
                MapEvent::Split { .. } => {}
            }
        }
    }

    /// Counts a given item. Half of the allowed items at a time, the worker is allowed as many more as
    /// were given.
    fn give(&mut self) {
        self.in_a_row += 1;
        self.given += 1;
        if self.given >= CREDIT / 2
            && let Some((pool, task)) = &self.call
        {
            pool.core()
                .allow_items(*task, std::mem::take(&mut self.given));
        }
    }
}

impl<R: DeserializeOwned + 'static> Stream for ItemStream<R> {
    type Item = Result<R, TaskError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.in_a_row >= IN_A_ROW {
            this.in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if this.ready.is_empty() {
            this.receive(cx);
        }
        while let Some(frames) = this.ready.front_mut() {
            let next = frames.next_result().map(decode_result);
            if frames.is_empty() {
                this.ready.pop_front();
            }
            if let Some(item) = next {
                this.give();
                return Poll::Ready(Some(item));
            }
        }
        this.in_a_row = 0;
        match this.error.take() {
            Some(error) => Poll::Ready(Some(Err(error))),
            None if this.call.is_none() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// Items are never pinned.
impl<R> Unpin for ItemStream<R> {}

impl<R> Drop for ItemStream<R> {
    fn drop(&mut self) {
        if let Some((pool, task)) = &self.call {
            pool.core().leave_stream(&self.sink, *task);
        }
    }
}

impl<R> fmt::Debug for ItemStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemStream")
            .field("has_ended", &self.call.is_none())
            .finish_non_exhaustive()
    }
}
