//! Reserved room for one task, for programs without tokio.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapters::blocking::task::Task;

/// Reserved room for one task in a pool, returned by
/// [`ProcessPool::reserve`](crate::blocking::ProcessPool::reserve).
///
/// It is a [`procpool::Permit`](crate::Permit) whose methods return a blocking [`Task`]. **Dropping it
/// gives the room back.**
#[derive(Debug)]
#[must_use = "dropping a permit gives its room to another caller: run a task with it"]
pub struct Permit<S = ()>(crate::Permit<S>);

impl<S> Permit<S> {
    pub(super) fn new(permit: crate::Permit<S>) -> Self {
        Permit(permit)
    }

    /// Runs `function(args)` as
    /// [`ProcessPool::run_in_process`](crate::blocking::ProcessPool::run_in_process) does, in the
    /// reserved room.
    ///
    /// # Errors
    /// As [`procpool::Permit::run_in_process`](crate::Permit::run_in_process).
    pub fn run_in_process<A, R>(self, function: fn(A) -> R, args: A) -> Task<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        Task::new(self.0.run_in_process(function, args))
    }

    /// Runs `function(&mut state, args)` as
    /// [`ProcessPool::run_with_state`](crate::blocking::ProcessPool::run_with_state) does, in the
    /// reserved room.
    ///
    /// # Errors
    /// As [`run_in_process`](Permit::run_in_process).
    pub fn run_with_state<A, R>(self, function: fn(&mut S, A) -> R, args: A) -> Task<R>
    where
        S: 'static,
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        Task::new(self.0.run_with_state(function, args))
    }
}
