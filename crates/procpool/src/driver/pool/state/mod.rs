//! The state that the pool's lock guards, changed by inputs and by the scheduler's actions.

mod actions;
mod chunks;
mod dispatch;
pub(crate) mod pool_state;
mod queued_inputs;
mod settle;
#[cfg(test)]
mod tests;
mod waiters;
mod worker_end;

pub(crate) use pool_state::{State, Tally};
