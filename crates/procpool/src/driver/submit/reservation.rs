//! Room in a pool's queue that was asked for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_channel::oneshot;
use procpool_scheduler::ReservationId;

use crate::driver::submit::open_pool::OpenPool;
use crate::error::PoolClosed;

/// A place in the queue, or in the line for one. Dropping it gives the place to the next in line.
#[derive(Debug)]
pub(crate) struct Reservation {
    pool: Arc<OpenPool>,
    /// `None` after it was used.
    id: Option<ReservationId>,
}

/// A place in the line for room: a future of the room.
///
/// # Cancel safety
/// If it is dropped, the place is given to the next, also if there was room already.
#[derive(Debug)]
pub(crate) struct AskedRoom {
    /// `None` after there was room.
    place: Option<Reservation>,
    granted: oneshot::Receiver<()>,
}

impl AskedRoom {
    /// Stands in line from now on.
    pub(crate) fn new(pool: &Arc<OpenPool>) -> Self {
        let (id, granted) = pool.core().reserve();
        let place = Reservation {
            pool: Arc::clone(pool),
            id: Some(id),
        };
        AskedRoom {
            place: Some(place),
            granted,
        }
    }
}

impl Future for AskedRoom {
    type Output = Result<Reservation, PoolClosed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let granted = ready!(Pin::new(&mut self.granted).poll(cx));
        // The room was taken from here already only if this is polled after its end.
        let place = granted.ok().and_then(|()| self.place.take());
        Poll::Ready(place.ok_or_else(PoolClosed::new))
    }
}

impl Reservation {
    /// Stands in line from the first poll on, until there is room.
    ///
    /// # Cancel safety
    /// As of [`AskedRoom`].
    pub(crate) async fn granted(pool: &Arc<OpenPool>) -> Result<Self, PoolClosed> {
        AskedRoom::new(pool).await
    }

    /// For the task that is submitted now.
    pub(crate) fn take(mut self) -> Option<ReservationId> {
        self.id.take()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.pool.core().release(id);
        }
    }
}
