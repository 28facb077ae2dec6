//! One function on many items, for programs without tokio.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapters::blocking::pool::ProcessPool;
use crate::adapters::blocking::wait::wait;
use crate::error::TaskError;
use crate::streams::items::Items;

/// One function on many items: an iterator over the results, which blocks until each is there.
///
/// As [`procpool::Map`](crate::Map), which says what its options do. The items are taken from their
/// iterator by the thread that asks for results. **Dropping it cancels what is left.**
#[must_use = "a map does nothing unless results are taken, and dropping it cancels what is left"]
pub struct Map<S, R>(crate::Map<S, R>);

impl<S> ProcessPool<S> {
    /// Runs `function` on each item in worker processes: an iterator over the results, in the order of
    /// the items. All is as with [`procpool::ProcessPool::map`](crate::ProcessPool::map).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # procpool::init();
    /// let pool = procpool::blocking::ProcessPool::builder().workers(2).build_blocking()?;
    /// let squares: Result<Vec<u64>, _> = pool.map(|x: u64| x * x, 1..=4).collect();
    /// assert_eq!(squares?, [1, 4, 9, 16]);
    /// # Ok(()) }
    /// ```
    pub fn map<A, R, I>(&self, function: fn(A) -> R, items: I) -> Map<Items<I::IntoIter>, R>
    where
        I: IntoIterator<Item = A>,
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        Map(self.as_async().map(function, items))
    }

    /// As [`map`](ProcessPool::map), with the state of the worker that runs the item; see
    /// [`procpool::ProcessPool::map_with_state`](crate::ProcessPool::map_with_state).
    pub fn map_with_state<A, R, I>(
        &self,
        function: fn(&mut S, A) -> R,
        items: I,
    ) -> Map<Items<I::IntoIter>, R>
    where
        S: 'static,
        I: IntoIterator<Item = A>,
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        Map(self.as_async().map_with_state(function, items))
    }
}

impl<S, R> Map<S, R> {
    /// As [`procpool::Map::unordered`](crate::Map::unordered).
    pub fn unordered(self) -> Self {
        Map(self.0.unordered())
    }

    /// As [`procpool::Map::chunk_size`](crate::Map::chunk_size).
    pub fn chunk_size(self, items: usize) -> Self {
        Map(self.0.chunk_size(items))
    }

    /// As [`procpool::Map::buffer`](crate::Map::buffer).
    pub fn buffer(self, items: usize) -> Self {
        Map(self.0.buffer(items))
    }
}

impl<S, R> Iterator for Map<S, R>
where
    S: Stream,
    S::Item: Serialize + 'static,
    R: DeserializeOwned + 'static,
{
    type Item = Result<R, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        wait(poll_fn(|cx| Pin::new(&mut self.0).poll_next(cx)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<S, R> fmt::Debug for Map<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
