//! What the scheduler decides: what runs where, how many workers there are, and when one is replaced.

pub(crate) mod affinities;
pub(crate) mod affinity;
pub(crate) mod collect;
pub(crate) mod late;
pub(crate) mod queue;
pub(crate) mod run_time;
pub(crate) mod size;
pub(crate) mod start_gate;
