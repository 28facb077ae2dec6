//! Reserved room for one task.

use std::fmt;

use procpool_wire::Run;
use procpool_worker::{PlainCall, StatefulCall};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::driver::Reservation;
use crate::pool::process_pool::ProcessPool;
use crate::task::call::EncodedCall;
use crate::task::future::Task;

/// Reserved room for one task in a pool, returned by [`ProcessPool::reserve`].
///
/// Until it is used, it counts against
/// [`Builder::queue_capacity`](crate::Builder::queue_capacity) as a queued task does, and keeps the
/// pool open as a handle does. **Dropping it gives the room back**, to the next caller that waits.
///
/// Modelled on the `Permit` of tokio's `mpsc::Sender::reserve`.
///
/// ```
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = procpool::ProcessPool::builder().workers(1).queue_capacity(1).build()?;
/// let permit = pool.reserve().await?;
/// assert_eq!(permit.run_in_process(|x: u32| x + 1, 1).await?, 2);
/// # Ok(()) }
/// ```
#[must_use = "dropping a permit gives its room to another caller: run a task with it"]
pub struct Permit<S = ()> {
    pool: ProcessPool<S>,
    room: Reservation,
}

impl<S> Permit<S> {
    pub(crate) fn new(pool: ProcessPool<S>, room: Reservation) -> Self {
        Permit { pool, room }
    }

    /// Runs `function(args)` as [`ProcessPool::run_in_process`] does, in the reserved room.
    ///
    /// # Errors
    /// This call returns no error; the [`Task`] gives any error but
    /// [`TaskError::QueueFull`](crate::TaskError::QueueFull). If the pool has been closed meanwhile,
    /// it gives [`TaskError::PoolClosed`](crate::TaskError::PoolClosed). If the arguments can't be
    /// encoded, the room is given back.
    pub fn run_in_process<A, R>(self, function: fn(A) -> R, args: A) -> Task<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        let call = EncodedCall::new::<_, PlainCall, A>(function, args, Run::MAX_ARGS_LEN);
        self.pool.run(call, Some(self.room))
    }

    /// Runs `function(&mut state, args)` as [`ProcessPool::run_with_state`] does, in the reserved
    /// room.
    ///
    /// # Errors
    /// As [`run_in_process`](Permit::run_in_process).
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
