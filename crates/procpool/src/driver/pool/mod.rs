//! One pool: its lock, the state behind it, and the effects of each input.

pub(crate) mod broadcasts;
pub(crate) mod combining_lock;
pub(crate) mod core;
pub(crate) mod effects;
pub(crate) mod ending;
pub(crate) mod job;
pub(crate) mod queued_input;
pub(crate) mod state;
pub(crate) mod worker_entry;
