//! Room for one task, held by a thread.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapters::blocking::task::Task;

/// Room for one task in a pool, from [`ProcessPool::reserve`](crate::blocking::ProcessPool::reserve).
///
/// As [`procpool::Permit`](crate::Permit): it counts as a waiting task does, and **dropping it gives
/// the room back**.
#[derive(Debug)]
#[must_use = "dropping a permit gives its room to another: run a task by it"]
pub struct Permit<S = ()>(crate::Permit<S>);

impl<S> Permit<S> {
    pub(super) fn new(permit: crate::Permit<S>) -> Self {
        Permit(permit)
    }

    /// As [`ProcessPool::run_in_process`](crate::blocking::ProcessPool::run_in_process), in the room
    /// that this permit holds.
    ///
    /// # Errors
    /// As of [`procpool::Permit::run_in_process`](crate::Permit::run_in_process).
    pub fn run_in_process<A, R>(self, function: fn(A) -> R, args: A) -> Task<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        Task::new(self.0.run_in_process(function, args))
    }

    /// As [`ProcessPool::run_with_state`](crate::blocking::ProcessPool::run_with_state), in the room
    /// that this permit holds.
    ///
    /// # Errors
    /// As of [`run_in_process`](Permit::run_in_process).
    pub fn run_with_state<A, R>(self, function: fn(&mut S, A) -> R, args: A) -> Task<R>
    where
        S: 'static,
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        Task::new(self.0.run_with_state(function, args))
    }
}
