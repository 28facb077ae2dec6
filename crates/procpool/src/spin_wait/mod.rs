//! Staying awake: a thread that polls a task spins for the result of a worker that spins.
//!
//! On an idle machine most of a round trip is two processors that wake up. [`SpinPolicy`] decides with each dispatch
//! whether the worker may spin for its next task, and whether the caller may spin for the result of this one. The first
//! poll of such a task spins ([`SpinWait`]), and takes the result from shared memory with the worker's [`ResultSource`].
//! The worker's side is `spin_wait` of the worker's crate.
//!
//! With `Builder::spin(Duration::ZERO)` the policy never allows either.

mod policy;
mod result_source;
mod wait;

pub(crate) use policy::SpinPolicy;
pub(crate) use result_source::ResultSource;
pub(crate) use wait::SpinWait;
