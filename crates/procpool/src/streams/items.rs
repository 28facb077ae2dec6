//! An iterator as the source of a map.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// The items of an iterator as a [`Stream`], the source of a [`Map`](crate::Map) from
/// [`ProcessPool::map`](crate::ProcessPool::map).
pub struct Items<I>(I);

impl<I> Items<I> {
    pub(crate) fn new(iterator: I) -> Self {
        Items(iterator)
    }
}

impl<I: Iterator> Stream for Items<I> {
    type Item = I::Item;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.get_mut().0.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

/// The iterator is never pinned.
impl<I> Unpin for Items<I> {}

impl<I> fmt::Debug for Items<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").finish_non_exhaustive()
    }
}
