//! One function on many items.
//!
//! ```text
//!  source ──pull──▶ Feed ──chunk──▶ pool ──events──▶ MapSink ──▶ Results ──decode──▶ who polls
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

/// How many results are given in a row, at least, before other tasks of the runtime have their turn.
const IN_A_ROW: u32 = 128;

/// How long those must have taken, or many more are given: to give way takes as long as some tens of the
/// shortest ones.
const TURN: Duration = Duration::from_micros(50);

/// After how many results it is seen whether workers need more.
const FEED_EVERY: u32 = 32;

/// How long one poll may feed workers.
const FEED_TIME: Duration = Duration::from_micros(200);

/// One function on many items: a [`Stream`] of the results.
///
/// Made by [`ProcessPool::map`] and [`ProcessStreamExt::map_in_process`]. Results come in the order of
/// the items, unless it is made [`unordered`](Map::unordered), and as soon as they are there.
///
/// Items go to workers in chunks. How many make a chunk follows from how long they were seen to take,
/// so that a million tiny items need no tuning; a worker that has nothing to do takes over half of what another has
/// not begun, so that uneven items balance. An item is a task nevertheless: one that panics, that can't
/// be encoded or that kills its worker fails alone, and each has the handle's
/// [`TaskOptions`](crate::TaskOptions) for itself: `timeout`, `retries`, `grace`; with a `cpu_time_limit`
/// a chunk is one item. Each chunk is one task to
/// [`queue_capacity`](crate::Builder::queue_capacity) and
/// [`max_tasks_per_worker`](crate::Builder::max_tasks_per_worker). If the queue is full the map waits in turn,
/// and pulls nothing meanwhile.
///
/// If the pool is closed, what was sent gives its results; the next item gives
/// [`TaskError::PoolClosed`], and the stream ends.
///
/// If the iterator panics, or the source stream, it is the caller's own panic, and comes out of the
/// poll that pulled. What was pulled before can still be taken; then the stream ends.
///
/// It spends none of tokio's cooperative budget, but gives way to other tasks of the runtime after some
/// results in a row, in any loop.
///
/// # Cancel safety
/// **Dropping it cancels what is left**, as dropping each [`Task`](crate::Task) would: what has not begun
/// never runs, and a worker that runs an item of it is killed and replaced. To drop the future of a
/// `next()` loses nothing.
#[must_use = "a map does nothing unless it is polled, and dropping it cancels what is left"]
pub struct Map<S, R> {
    feed: Feed<S>,
    results: Results,
    /// How many results were given.
    given: u64,
    in_a_row: u32,
    /// When the first of those had been given.
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

    /// Gives the results in the order in which they come, and not in that of the items.
    pub fn unordered(mut self) -> Self {
        self.results.disorder();
        self
    }

    /// Sends so many items to a worker at once, at most. 0 counts as 1.
    ///
    /// A chunk is smaller at the end, when the source has nothing more for the moment or is slow, and
    /// where the [`buffer`](Map::buffer) is small. Without this it is what takes about a millisecond, as
    /// far as is known: it grows from 1.
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

    /// Pulls so many items at most of which the results have not been given. 0 counts as 1.
    ///
    /// Less than twice as many as there are workers leaves workers idle. Without this, what is pulled is
    /// two chunks for each worker; and where results wait, since one before them takes long, as much beyond that as
    /// takes 16 MiB, encoded.
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

    /// Takes what has come. If that is nothing, who polls is woken when something does.
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

    /// Between two results: the workers are not to come to an end of their work before all that has come is
    /// taken.
    fn feed_meanwhile(&mut self, cx: &mut Context<'_>) {
        let has_events = self.feed.sink().has_events();
        if has_events {
            self.receive(cx);
        }
        // It may also be that the source has more, or that there is room for more.
        if has_events || self.in_a_row.is_multiple_of(IN_A_ROW) {
            self.feed(cx);
        }
    }

    /// Whether it is the turn of others.
    fn is_over(&mut self) -> bool {
        if self.in_a_row == FEED_EVERY {
            self.row_began = Some(Instant::now());
        }
        self.in_a_row >= IN_A_ROW
            && self.in_a_row.is_multiple_of(IN_A_ROW)
            && self.row_began.is_none_or(|began| began.elapsed() >= TURN)
    }

    /// Sees to it that there is something to be given. False if there never will be.
    ///
    /// It is called where there may be nothing, and else so seldom that it may take some time.
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

    /// Nothing can be given: what can be done that something will be? True if something may have come.
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
        if let Some(number) = this.results.next_plain() {
            return Poll::Ready(Some(Ok(number)));
        }
        // A value goes to its place by itself, and not as a part of what may also be an error, which is
        // larger.
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

/// The source is pinned in a box of its own.
impl<S, R> Unpin for Map<S, R> {}

impl<S, R> Drop for Map<S, R> {
    fn drop(&mut self) {
        // Nothing is to be divided off and left behind, even if all tasks seem to be over.
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
