//! Maps for programs without tokio.

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

/// An iterator over the results of one function on many items; it blocks until the next result is there.
///
/// The options are those of [`procpool::Map`](crate::Map). The thread that asks for a result also pulls
/// the items from their iterator. **Dropping the map cancels the rest of it.**
#[must_use = "a map does nothing unless results are taken, and dropping it cancels what is left"]
pub struct Map<S, R>(crate::Map<S, R>);

impl<S> ProcessPool<S> {
    /// Runs `function` on each item in worker processes. Returns an iterator over the results, in the
    /// order of the items; see [`procpool::ProcessPool::map`](crate::ProcessPool::map).
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

    /// Runs `function` on each item as [`map`](ProcessPool::map) does, with the state of the item's
    /// worker; see [`procpool::ProcessPool::map_with_state`](crate::ProcessPool::map_with_state).
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
    /// Gives the results in the order of arrival, as
    /// [`procpool::Map::unordered`](crate::Map::unordered) does.
    pub fn unordered(self) -> Self {
        Map(self.0.unordered())
    }

    /// Sets how many items a chunk has at most, as
    /// [`procpool::Map::chunk_size`](crate::Map::chunk_size) does.
    pub fn chunk_size(self, items: usize) -> Self {
        Map(self.0.chunk_size(items))
    }

    /// Limits how many items are pulled ahead, as [`procpool::Map::buffer`](crate::Map::buffer) does.
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
