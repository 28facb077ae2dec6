//! Room in a pool's queue that was asked for.

use std::sync::Arc;

use procpool_scheduler::ReservationId;

use crate::driver::open_pool::OpenPool;
use crate::error::PoolClosed;

/// A place in the queue, or at first in the line for one. Given back when it is dropped, in either
/// case: then the next in line has it.
#[derive(Debug)]
pub(crate) struct Reservation {
    pool: Arc<OpenPool>,
    /// `None` once it is used.
    id: Option<ReservationId>,
}

impl Reservation {
    /// Stands in line from the first poll on, until there is room.
    ///
    /// # Cancel safety
    /// If it is dropped, the place is given to the next, also if there was room already.
    pub(crate) async fn granted(pool: &Arc<OpenPool>) -> Result<Self, PoolClosed> {
        let (id, granted) = pool.core().reserve();
        let reservation = Reservation {
            pool: Arc::clone(pool),
            id: Some(id),
        };
        match granted.await {
            Ok(()) => Ok(reservation),
            Err(_) => Err(PoolClosed::new()),
        }
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
