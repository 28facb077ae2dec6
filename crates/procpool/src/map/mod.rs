//! One function on many items.

mod calls;
mod items;

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use procpool_os::CallOffsets;
use procpool_wire::Run;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::{EncodedCall, discard};
use crate::error::{EncodeError, TaskError};
use crate::pool::ProcessPool;
use crate::task::Task;
use crate::task_set::TaskSet;

pub use calls::ProcessStreamExt;
pub use items::Items;

/// One function on many items: a [`Stream`] of the results.
///
/// Made by [`ProcessPool::map`] and [`ProcessStreamExt::map_in_process`]. Results come in the order of
/// the items, unless it is made [`unordered`](Map::unordered).
///
/// # Cancel safety
/// **Dropping it cancels what is left**, as dropping each [`Task`] would: what has not begun never
/// runs, and a worker that runs an item of it is killed and replaced. To drop the future of a `next()`
/// loses nothing.
#[must_use = "a map does nothing unless it is polled, and dropping it cancels what is left"]
pub struct Map<S, R> {
    pool: ProcessPool,
    offsets: Result<CallOffsets, EncodeError>,
    /// `None` once it has ended.
    source: Option<Pin<Box<S>>>,
    in_flight: InFlight<R>,
    buffer: Option<usize>,
}

enum InFlight<R> {
    Ordered(VecDeque<Task<R>>),
    Unordered(TaskSet<(), R>),
}

impl<S, R> Map<S, R> {
    pub(crate) fn new<T>(
        pool: &ProcessPool<T>,
        offsets: Result<CallOffsets, EncodeError>,
        source: S,
    ) -> Self {
        Map {
            pool: pool.without_state(),
            offsets,
            source: Some(Box::pin(source)),
            in_flight: InFlight::Ordered(VecDeque::new()),
            buffer: None,
        }
    }

    /// Gives the results in the order in which they come, and not in that of the items.
    pub fn unordered(mut self) -> Self {
        if let InFlight::Ordered(tasks) = &mut self.in_flight {
            let tasks = std::mem::take(tasks).into_iter();
            self.in_flight = InFlight::Unordered(tasks.map(|task| ((), task)).collect());
        }
        self
    }

    /// Sends so many items to a worker at once. The default follows from how long they take. 0 counts
    /// as 1.
    pub fn chunk_size(self, _items: usize) -> Self {
        self
    }

    /// Takes so many items at most from the source of which the results have not been taken yet. 0
    /// counts as 1.
    pub fn buffer(mut self, items: usize) -> Self {
        self.buffer = Some(items.max(1));
        self
    }

    fn most(&self) -> usize {
        self.buffer
            .unwrap_or_else(|| self.pool.open().core().size().max().saturating_mul(4))
    }
}

impl<R> InFlight<R> {
    fn len(&self) -> usize {
        match self {
            InFlight::Ordered(tasks) => tasks.len(),
            InFlight::Unordered(tasks) => tasks.len(),
        }
    }

    fn push(&mut self, task: Task<R>) {
        match self {
            InFlight::Ordered(tasks) => tasks.push_back(task),
            InFlight::Unordered(tasks) => tasks.insert((), task),
        }
    }
}

impl<S, R> Stream for Map<S, R>
where
    S: Stream,
    S::Item: Serialize,
    R: DeserializeOwned + 'static,
{
    type Item = Result<R, TaskError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let most = this.most();
        while this.in_flight.len() < most
            // A source that panics is not polled again.
            && let Some(mut source) = this.source.take()
        {
            match source.as_mut().poll_next(cx) {
                Poll::Ready(None) => {}
                Poll::Ready(Some(item)) => {
                    this.source = Some(source);
                    let call = match &this.offsets {
                        Ok(offsets) => EncodedCall::of(*offsets, &item, Run::MAX_ARGS_LEN),
                        Err(error) => Err(error.clone()),
                    };
                    let call = discard(item).and(call);
                    let task = this.pool.run(call, None);
                    this.in_flight.push(task);
                }
                Poll::Pending => {
                    this.source = Some(source);
                    break;
                }
            }
        }
        let next = match &mut this.in_flight {
            InFlight::Ordered(tasks) => match tasks.front_mut() {
                Some(task) => Pin::new(task).poll(cx).map(Some),
                None => Poll::Ready(None),
            },
            InFlight::Unordered(tasks) => Pin::new(tasks)
                .poll_next(cx)
                .map(|next| next.map(|((), result)| result)),
        };
        match next {
            Poll::Ready(Some(result)) => {
                if let InFlight::Ordered(tasks) = &mut this.in_flight {
                    tasks.pop_front();
                }
                Poll::Ready(Some(result))
            }
            Poll::Ready(None) if this.source.is_some() => Poll::Pending,
            next => next,
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = match &self.source {
            Some(source) => source.size_hint(),
            None => (0, Some(0)),
        };
        let more = self.in_flight.len();
        (
            least.saturating_add(more),
            most.and_then(|most| most.checked_add(more)),
        )
    }
}

/// The source is pinned in a box of its own.
impl<S, R> Unpin for Map<S, R> {}

impl<S, R> fmt::Debug for Map<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("in_flight", &self.in_flight.len())
            .finish_non_exhaustive()
    }
}
