//! A function that runs in a pool, as a `tower::Service`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_service::Service;

use crate::driver::{AskedRoom, Reservation};
use crate::error::TaskError;
use crate::pool::permit::Permit;
use crate::pool::process_pool::ProcessPool;
use crate::task::future::Task;

/// A function that runs in the workers of a pool, as a [`tower::Service`](Service); returned by
/// [`ProcessPool::service`].
///
/// Its requests are the function's arguments; its future is a [`Task`].
///
/// # Readiness
/// A ready service holds room for one call in the pool, as a [`Permit`] does.
/// [`poll_ready`](Service::poll_ready) waits for the room in the same line as
/// [`reserve`](ProcessPool::reserve), and `call` uses it. So a call after `poll_ready` is never refused
/// because the queue is full. A pool without a [`queue_capacity`](crate::Builder::queue_capacity) is
/// always ready.
///
/// A service keeps its room, or its place in line, until it is called or dropped. A clone starts
/// without room: each service has its own readiness.
///
/// Tower allows a `call` without `poll_ready` to panic. Here it is
/// [`run_in_process`](ProcessPool::run_in_process), which may give [`TaskError::QueueFull`].
///
/// A service keeps the pool open as a handle does.
///
/// # Errors
/// `poll_ready` gives [`TaskError::PoolClosed`] after the pool is closed; the future gives all other
/// errors.
///
/// # Cancel safety
/// Dropping the future cancels the call, as with any [`Task`]. So a `tower::timeout` also stops a
/// function that takes too long.
pub struct ProcessService<A, R, S = ()> {
    pool: ProcessPool<S>,
    function: Function<A, R, S>,
    readiness: Readiness,
}

enum Function<A, R, S> {
    Plain(fn(A) -> R),
    WithState(fn(&mut S, A) -> R),
}

enum Readiness {
    NotAsked,
    Waiting(AskedRoom),
    Ready(Reservation),
}

// These methods are here, so that `process_pool` does not import its services.
impl<S> ProcessPool<S> {
    /// Returns `function` as a [`tower::Service`](Service) that runs it in this pool with the options
    /// of this handle.
    ///
    /// ```
    /// # #[procpool::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use procpool::ProcessPool;
    /// use tower::{Service, ServiceExt};
    ///
    /// fn half(x: u32) -> u32 {
    ///     x / 2
    /// }
    ///
    /// let pool = ProcessPool::builder().workers(1).queue_capacity(10).build()?;
    /// let mut service = pool.service(half).map_response(|half| format!("it is {half}"));
    /// assert_eq!(service.ready().await?.call(42).await?, "it is 21");
    /// # Ok(()) }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
    #[must_use]
    pub fn service<A, R>(&self, function: fn(A) -> R) -> ProcessService<A, R, S> {
        ProcessService::new(self.clone(), Function::Plain(function))
    }

    /// Returns a function with state as a [`tower::Service`](Service); the worker's state is passed to
    /// it as by [`run_with_state`](ProcessPool::run_with_state).
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tower::ServiceExt;
    ///
    /// let builder = procpool::ProcessPool::builder().workers(1);
    /// let pool = builder.initializer(|first: u32| first, 10).build()?;
    /// let add = pool.service_with_state(|state: &mut u32, x: u32| *state + x);
    /// assert_eq!(add.oneshot(5).await?, 15);
    /// # Ok(()) }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
    #[must_use]
    pub fn service_with_state<A, R>(
        &self,
        function: fn(&mut S, A) -> R,
    ) -> ProcessService<A, R, S> {
        ProcessService::new(self.clone(), Function::WithState(function))
    }
}

impl<A, R, S> ProcessService<A, R, S> {
    fn new(pool: ProcessPool<S>, function: Function<A, R, S>) -> Self {
        ProcessService {
            pool,
            function,
            readiness: Readiness::NotAsked,
        }
    }
}

impl<A, R, S> Service<A> for ProcessService<A, R, S>
where
    S: 'static,
    A: Serialize + DeserializeOwned + 'static,
    R: Serialize + DeserializeOwned + 'static,
{
    type Response = R;
    type Error = TaskError;
    type Future = Task<R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TaskError>> {
        loop {
            self.readiness = match &mut self.readiness {
                Readiness::NotAsked => Readiness::Waiting(AskedRoom::new(self.pool.open())),
                Readiness::Waiting(asked) => match ready!(Pin::new(asked).poll(cx)) {
                    Ok(room) => Readiness::Ready(room),
                    Err(closed) => {
                        self.readiness = Readiness::NotAsked;
                        return Poll::Ready(Err(closed.into()));
                    }
                },
                Readiness::Ready(_) if self.pool.is_closed() => {
                    self.readiness = Readiness::NotAsked;
                    return Poll::Ready(Err(TaskError::PoolClosed));
                }
                Readiness::Ready(_) => return Poll::Ready(Ok(())),
            }
        }
    }

    fn call(&mut self, args: A) -> Task<R> {
        match std::mem::replace(&mut self.readiness, Readiness::NotAsked) {
            Readiness::Ready(room) => {
                let permit = Permit::new(self.pool.clone(), room);
                match self.function {
                    Function::Plain(function) => permit.run_in_process(function, args),
                    Function::WithState(function) => permit.run_with_state(function, args),
                }
            }
            readiness @ (Readiness::NotAsked | Readiness::Waiting(_)) => {
                // Leaves the line first: a call must not pass those that wait in it, not even itself.
                drop(readiness);
                match self.function {
                    Function::Plain(function) => self.pool.run_in_process(function, args),
                    Function::WithState(function) => self.pool.run_with_state(function, args),
                }
            }
        }
    }
}

impl<A, R, S> Clone for ProcessService<A, R, S> {
    fn clone(&self) -> Self {
        ProcessService::new(self.pool.clone(), self.function)
    }
}

impl<A, R, S> Clone for Function<A, R, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A, R, S> Copy for Function<A, R, S> {}

impl<A, R, S> fmt::Debug for ProcessService<A, R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessService")
            .field("pool", &self.pool)
            .field("is_ready", &matches!(self.readiness, Readiness::Ready(_)))
            .finish_non_exhaustive()
    }
}
