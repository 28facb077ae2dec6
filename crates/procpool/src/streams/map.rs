//! A map: one function on many items.
//!
//! ```text
//!  source ──pull──▶ Feed ──chunk──▶ pool ──events──▶ MapSink ──▶ Results ──decode──▶ the caller's poll
//!                    ▲                                  │ durations
//!                    └──────────── Sizer ◀──────────────┘
//! ```

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;
use procpool_os::CallOffsets;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::driver::MapEvent;
use crate::error::{EncodeError, TaskError};
use crate::pool::process_pool::ProcessPool;
use crate::streams::feed::{Fed, Feed};
use crate::streams::results::Results;
use crate::task::future::decode_into;

/// A map yields to the runtime's other tasks after this many results in a row, but see [`TURN`].
const IN_A_ROW: u32 = 128;

/// A map yields only if those results took this long, since yielding takes as long as some tens of
/// the shortest results.
const TURN: Duration = Duration::from_micros(50);

/// The map checks whether the workers need more items each time it has given this many results.
const FEED_EVERY: u32 = 32;

/// The longest time that one poll spends on sending items to workers.
const FEED_TIME: Duration = Duration::from_micros(200);

/// A [`Stream`] of the results of one function on many items, returned by [`ProcessPool::map`] and
/// [`ProcessStreamExt::map_in_process`](crate::ProcessStreamExt::map_in_process).
///
/// Results are in the order of the items, or in the order of arrival if the map is
/// [`unordered`](Map::unordered).
///
/// # Chunks
/// The map sends items to workers in chunks. It chooses the size of a chunk from the measured duration
/// of earlier items, so a million tiny items need no tuning. An idle worker takes over half of
/// the items that another worker has not started, so uneven items balance.
///
/// Each item is nevertheless a task of its own. An item that panics, can't be encoded or kills its
/// worker fails alone, and the handle's [`TaskOptions`](crate::TaskOptions) `timeout`, `retries` and
/// `grace` apply to each item. With a `cpu_time_limit`, each chunk has one item. A chunk counts as
/// one task for [`queue_capacity`](crate::Builder::queue_capacity) and
/// [`max_tasks_per_worker`](crate::Builder::max_tasks_per_worker). If the queue is full, the map waits in
/// line, as [`reserve`](ProcessPool::reserve) does, and pulls no items meanwhile.
///
/// # The end
/// The stream ends after the results of all items.
///
/// If the pool is closed, the items already sent give their results, the next item gives
/// [`TaskError::PoolClosed`], and the stream ends.
///
/// # Panics
/// If the iterator or source stream panics, polling the map panics. Results of the items before that can
/// still be taken; then the stream ends.
///
/// # Cooperative scheduling
/// A map does not spend tokio's cooperative budget. It yields to the runtime's other tasks by itself
/// after some results in a row.
///
/// # Cancel safety
/// **Dropping a map cancels the rest of it**, as dropping each [`Task`](crate::Task) would: items
/// that have not started never run, and a worker that runs an item of the map is killed and replaced.
/// Dropping the future of a `next()` loses nothing.
///
/// This is `map` of Python's `Executor`, and `imap` of its `multiprocessing.Pool`.
#[must_use = "a map does nothing unless it is polled, and dropping it cancels what is left"]
pub struct Map<S, R> {
    feed: Feed<S>,
    results: Results,
    /// The number of results given so far.
    given: u64,
    in_a_row: u32,
    /// When the first results of the current row had been given.
    row_began: Option<Instant>,
    events: Vec<MapEvent>,
    result: PhantomData<fn() -> R>,
}

impl<S, R> Map<S, R> {
    pub(crate) fn new<T>(
        pool: &ProcessPool<T>,
        offsets: Result<CallOffsets, EncodeError>,
        source: S,
    ) -> Self {
        Map {
            feed: Feed::new(pool.without_state(), offsets, source),
            results: Results::new(),
            given: 0,
            in_a_row: 0,
            row_began: None,
            events: Vec::new(),
            result: PhantomData,
        }
    }

    /// Gives the results in the order of arrival instead of the order of the items.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::TryStreamExt;
    ///
    /// let pool = procpool::ProcessPool::builder().workers(2).build()?;
    /// let squares = pool.map(|x: u64| x * x, 1..=4).unordered();
    /// assert_eq!(squares.try_fold(0, |sum, x| async move { Ok(sum + x) }).await?, 30);
    /// # Ok(()) }
    /// ```
    pub fn unordered(mut self) -> Self {
        self.results.set_unordered();
        self
    }

    /// Sets how many items a chunk has at most; 0 counts as 1. By default the size grows from 1 until
    /// a chunk takes about one millisecond.
    ///
    /// A chunk is smaller at the end, if the source is slow or has no more items at the moment, and if the
    /// [`buffer`](Map::buffer) is small.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::TryStreamExt;
    ///
    /// let pool = procpool::ProcessPool::builder().workers(2).build()?;
    /// let lengths = pool.map(|word: String| word.len(), "to be or not".split(' ').map(str::to_owned));
    /// let lengths: Vec<usize> = lengths.chunk_size(2).try_collect().await?;
    /// assert_eq!(lengths, [2, 2, 2, 3]);
    /// # Ok(()) }
    /// ```
    pub fn chunk_size(mut self, items: usize) -> Self {
        self.feed.chunk_size(items.max(1));
        self
    }

    /// Limits the number of items that have been pulled and whose results have not been given; 0 counts
    /// as 1.
    ///
    /// By default the map pulls two chunks for each worker. If results must wait because an earlier item takes
    /// long, it pulls more, up to 16 MiB of encoded arguments and results.
    ///
    /// A buffer of less than twice the number of workers leaves workers idle.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::StreamExt;
    ///
    /// let pool = procpool::ProcessPool::builder().workers(2).build()?;
    /// let mut pulled = 0;
    /// let mut doubled = pool.map(|x: u64| 2 * x, (0..).inspect(|_| pulled += 1)).buffer(10);
    /// assert_eq!(doubled.next().await.unwrap()?, 0);
    /// drop(doubled);
    /// assert!(pulled <= 11);
    /// # Ok(()) }
    /// ```
    pub fn buffer(mut self, items: usize) -> Self {
        self.feed.buffer = Some(items.max(1));
        self
    }

    fn outstanding(&self) -> usize {
        usize::try_from(self.feed.pulled() - self.given).unwrap_or(usize::MAX)
    }

    /// Takes all events. If there are none, the next one wakes the waker.
    fn receive(&mut self, cx: &mut Context<'_>) {
        self.feed.sink().take(&mut self.events, cx);
        for event in self.events.drain(..) {
            if let MapEvent::Ran { items, time } = event {
                self.feed.sizer.record(items, time);
            }
            self.results.arrive(event);
        }
    }
}

impl<S, R> Map<S, R>
where
    S: Stream,
    S::Item: Serialize + 'static,
    R: DeserializeOwned + 'static,
{
    fn feed(&mut self, cx: &mut Context<'_>) -> Fed {
        let outstanding = self.outstanding();
        self.feed.feed(cx, &mut self.results, outstanding)
    }

    /// Sends more items between two results, so that the workers don't run out of work before all
    /// events have been taken.
    fn feed_meanwhile(&mut self, cx: &mut Context<'_>) {
        let has_events = self.feed.sink().has_events();
        if has_events {
            self.receive(cx);
        }
        // The source may have more items, or the queue may have room again.
        if has_events || self.in_a_row.is_multiple_of(IN_A_ROW) {
            self.feed(cx);
        }
    }

    /// Returns whether the map has given results long enough and must yield.
    fn is_over(&mut self) -> bool {
        if self.in_a_row == FEED_EVERY {
            self.row_began = Some(Instant::now());
        }
        self.in_a_row >= IN_A_ROW
            && self.in_a_row.is_multiple_of(IN_A_ROW)
            && self.row_began.is_none_or(|began| began.elapsed() >= TURN)
    }

    /// Waits for something to give; `false` if the stream has ended.
    ///
    /// It is called if nothing can be given, or every [`FEED_EVERY`] results, so it need not be fast.
    #[inline(never)]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.results.is_ready() {
            if self.is_over() {
                self.in_a_row = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.feed_meanwhile(cx);
            return Poll::Ready(true);
        }
        loop {
            self.receive(cx);
            if self.results.is_ready() {
                return Poll::Ready(true);
            }
            if !self.feed_for_some_time(cx) {
                break;
            }
        }
        self.in_a_row = 0;
        match self.feed.has_ended() && self.results.is_empty() {
            true => Poll::Ready(false),
            false => Poll::Pending,
        }
    }

    /// Sends items until something can be given or nothing can be sent. Returns whether something may
    /// have arrived meanwhile.
    fn feed_for_some_time(&mut self, cx: &mut Context<'_>) -> bool {
        let began = Instant::now();
        loop {
            match self.feed(cx) {
                Fed::Nothing | Fed::End => return self.results.is_ready(),
                Fed::Some if self.results.is_ready() => return true,
                Fed::Some => {}
            }
            if began.elapsed() >= FEED_TIME {
                cx.waker().wake_by_ref();
                return false;
            }
        }
    }
}

impl<S, R> Stream for Map<S, R>
where
    S: Stream,
    S::Item: Serialize + 'static,
    R: DeserializeOwned + 'static,
{
    type Item = Result<R, TaskError>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.in_a_row.is_multiple_of(FEED_EVERY) || !this.results.is_ready() {
            match this.poll_ready(cx) {
                Poll::Ready(true) => {}
                Poll::Ready(false) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
        this.given += 1;
        this.in_a_row += 1;
        if let Some(number) = this.results.next_scalar() {
            return Poll::Ready(Some(Ok(number)));
        }
        // The value is decoded in its final place: a `Result` is larger, and moving it costs a copy.
        let mut value = None;
        let error = match this.results.next() {
            Some(Ok(result)) => decode_into(result, &mut value).err(),
            Some(Err(error)) => Some(error),
            None => None,
        };
        match value {
            Some(value) => Poll::Ready(Some(Ok(value))),
            None => Poll::Ready(error.map(Err)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.feed.size_hint();
        let more = self.outstanding();
        let most = most.and_then(|most| most.checked_add(more));
        (least.saturating_add(more), most)
    }
}

/// The source is pinned in a box.
impl<S, R> Unpin for Map<S, R> {}

impl<S, R> Drop for Map<S, R> {
    fn drop(&mut self) {
        // Even if no task seems to be in flight, one may just have been split off.
        if self.results.in_flight() > 0 {
            self.feed.cancel(self.results.tasks());
        }
    }
}

impl<S, R> fmt::Debug for Map<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("outstanding", &self.outstanding())
            .finish_non_exhaustive()
    }
}
