//! The state of one pool, behind one lock, and what follows from each input.

pub(crate) mod combining_lock;
pub(crate) mod core;
pub(crate) mod effects;
pub(crate) mod event_queue;
pub(crate) mod job;
pub(crate) mod pool_config;
pub(crate) mod state;
#[cfg(test)]
mod tests;
