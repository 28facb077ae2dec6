//! The methods that create maps.

use futures_core::Stream;
use procpool_worker::{PlainItems, StatefulItems};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::pool::process_pool::ProcessPool;
use crate::streams::items::Items;
use crate::streams::map::Map;
use crate::task::call::offsets;

impl<S> ProcessPool<S> {
    /// Runs `function` on each item of an iterator in worker processes. Returns a [`Stream`] of the
    /// results, in the order of the items.
    ///
    /// The map starts when it is first polled. It pulls items as it needs them, so the iterator may be
    /// infinite; see [`Map::buffer`]. **Dropping the map cancels the rest of it.**
    ///
    /// # Errors
    /// This call returns no error. An item that fails gives its [`TaskError`](crate::TaskError) in its
    /// place, and the other items go on. The errors are those of
    /// [`run_in_process`](ProcessPool::run_in_process), without `QueueFull`: a map waits for room.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::TryStreamExt;
    ///
    /// let pool = procpool::ProcessPool::builder().workers(2).build()?;
    /// let squares: Vec<u64> = pool.map(|x: u64| x * x, 1..=4).try_collect().await?;
    /// assert_eq!(squares, [1, 4, 9, 16]);
    /// # Ok(()) }
    /// ```
    pub fn map<A, R, I>(&self, function: fn(A) -> R, items: I) -> Map<Items<I::IntoIter>, R>
    where
        I: IntoIterator<Item = A>,
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        let source = Items::new(items.into_iter());
        Map::new(self, offsets::<_, PlainItems>(function), source)
    }

    /// Runs `function` on each item as [`map`](ProcessPool::map) does, with the state that the pool's
    /// [`initializer`](crate::Builder::initializer) created in the item's worker.
    ///
    /// # Errors
    /// As [`map`](ProcessPool::map).
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::TryStreamExt;
    ///
    /// fn rate(stars: &mut Vec<u32>, title: usize) -> u32 {
    ///     stars[title]
    /// }
    /// let builder = procpool::ProcessPool::builder().workers(2);
    /// let pool = builder.initializer(|stars: Vec<u32>| stars, vec![5, 3, 4]).build()?;
    /// let rated: Vec<u32> = pool.map_with_state(rate, [2, 0]).try_collect().await?;
    /// assert_eq!(rated, [4, 5]);
    /// # Ok(()) }
    /// ```
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
        let source = Items::new(items.into_iter());
        Map::new(self, offsets::<_, StatefulItems>(function), source)
    }
}

/// Maps the items of any [`Stream`] in worker processes; implemented for all of them.
///
/// ```
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use futures::{StreamExt, TryStreamExt, stream};
/// use procpool::ProcessStreamExt;
///
/// async fn fetch(number: u32) -> String {
///     format!("<p>{number}</p>")
/// }
/// fn parse(page: String) -> usize {
///     page.len()
/// }
///
/// let pool = procpool::ProcessPool::builder().workers(2).build()?;
/// let pages = stream::iter([7, 77, 777]).map(fetch).buffered(2);
/// let lengths: Vec<usize> = pages.map_in_process(&pool, parse).try_collect().await?;
/// assert_eq!(lengths, [8, 9, 10]);
/// # Ok(()) }
/// ```
pub trait ProcessStreamExt: Stream + Sized {
    /// Runs `function` on each item of this stream, as [`ProcessPool::map`] does for an iterator.
    ///
    /// An item is sent to a worker as soon as the stream gives it. The map polls the stream only if it
    /// has room for an item ([`Map::buffer`]), so a stream that produces items on demand is slowed
    /// down to the speed of the workers.
    fn map_in_process<S, R>(
        self,
        pool: &ProcessPool<S>,
        function: fn(Self::Item) -> R,
    ) -> Map<Self, R>
    where
        Self::Item: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        Map::new(pool, offsets::<_, PlainItems>(function), self)
    }

    /// Runs `function` on each item of this stream, as [`ProcessPool::map_with_state`] does for an
    /// iterator.
    fn map_in_process_with_state<S, R>(
        self,
        pool: &ProcessPool<S>,
        function: fn(&mut S, Self::Item) -> R,
    ) -> Map<Self, R>
    where
        S: 'static,
        Self::Item: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        Map::new(pool, offsets::<_, StatefulItems>(function), self)
    }
}

impl<T: Stream> ProcessStreamExt for T {}
