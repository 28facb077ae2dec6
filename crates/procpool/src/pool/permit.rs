//! Room for one task.

use std::fmt;

use procpool_wire::Run;
use procpool_worker::{PlainCall, StatefulCall};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::driver::Reservation;
use crate::pool::process_pool::ProcessPool;
use crate::task::call::EncodedCall;
use crate::task::future::Task;

/// Room for one task in a pool, from [`ProcessPool::reserve`].
///
/// It counts against [`Builder::queue_capacity`](crate::Builder::queue_capacity) as a waiting task
/// does, until it is used. **Dropping it gives the room back**, to the next who waits for it. It
/// keeps the pool open, as a handle does.
#[must_use = "dropping a permit gives its room to another: run a task by it"]
pub struct Permit<S = ()> {
    pool: ProcessPool<S>,
    room: Reservation,
}

impl<S> Permit<S> {
    pub(crate) fn new(pool: ProcessPool<S>, room: Reservation) -> Self {
        Permit { pool, room }
    }

    /// As [`ProcessPool::run_in_process`], in the room that this permit holds.
    ///
    /// # Errors
    /// None here; the [`Task`] gives any error but
    /// [`TaskError::QueueFull`](crate::TaskError::QueueFull). If the pool has been closed since, that
    /// is [`TaskError::PoolClosed`](crate::TaskError::PoolClosed). Arguments that can't be encoded
    /// give the room back.
    pub fn run_in_process<A, R>(self, function: fn(A) -> R, args: A) -> Task<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        let call = EncodedCall::new::<_, PlainCall, A>(function, args, Run::MAX_ARGS_LEN);
        self.pool.run(call, Some(self.room))
    }

    /// As [`ProcessPool::run_with_state`], in the room that this permit holds.
    ///
    /// # Errors
    /// As of [`run_in_process`](Permit::run_in_process).
    pub fn run_with_state<A, R>(self, function: fn(&mut S, A) -> R, args: A) -> Task<R>
    where
        S: 'static,
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        let call = EncodedCall::new::<_, StatefulCall, A>(function, args, Run::MAX_ARGS_LEN);
        self.pool.run(call, Some(self.room))
    }
}

impl<S> fmt::Debug for Permit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
