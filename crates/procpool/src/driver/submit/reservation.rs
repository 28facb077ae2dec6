//! The reservation of room for one task in a pool's queue.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_channel::oneshot;
use procpool_scheduler::ReservationId;

use crate::driver::submit::open_pool::OpenPool;
use crate::error::PoolClosed;

/// Reserved room for one task, or a place in the reservation queue. Dropping it gives the room to the next caller in that queue.
#[derive(Debug)]
pub(crate) struct Reservation {
    pool: Arc<OpenPool>,
    /// `None` after it was used.
    id: Option<ReservationId>,
}

/// A place in the reservation queue: a future that is ready when there is room.
///
/// # Cancel safety
/// Dropping the future leaves the reservation queue. Room that it has just got goes to the next caller.
#[derive(Debug)]
pub(crate) struct AskedRoom {
    /// `None` after there was room.
    place: Option<Reservation>,
    granted: oneshot::Receiver<()>,
}

impl AskedRoom {
    /// Joins the reservation queue.
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
        // `place` is `None` only if this is polled after it was ready.
        let place = granted.ok().and_then(|()| self.place.take());
        Poll::Ready(place.ok_or_else(PoolClosed::new))
    }
}

impl Reservation {
    /// Joins the reservation queue at the first poll, and waits until there is room.
    ///
    /// # Cancel safety
    /// As for [`AskedRoom`].
    pub(crate) async fn granted(pool: &Arc<OpenPool>) -> Result<Self, PoolClosed> {
        AskedRoom::new(pool).await
    }

    /// Returns the reservation's id, for a task that uses the room now. Dropping `self` then releases nothing.
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
