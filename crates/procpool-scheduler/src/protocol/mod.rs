//! How decisions are carried out, so that every accepted task is resolved exactly once.
//!
//! The inputs of the driver are in `inputs`, and beside what they are about: broadcasts, warm-ups, reservations, splits.

pub(crate) mod broadcast;
pub(crate) mod cancel;
pub(crate) mod dispatch;
pub(crate) mod inputs;
pub(crate) mod pending_kill;
pub(crate) mod reserve;
pub(crate) mod revoke;
pub(crate) mod run_clock;
pub(crate) mod split;
pub(crate) mod warm_up;
pub(crate) mod worker_life;
