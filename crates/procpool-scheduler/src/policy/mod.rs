//! What the scheduler decides: which worker runs which task, how many workers there are, and when one is replaced.
//!
//! Nothing here talks to the driver about a task that was sent; that is in `protocol`.

pub(crate) mod affinity;
pub(crate) mod collect;
pub(crate) mod late;
pub(crate) mod prefetch;
pub(crate) mod queue;
pub(crate) mod rebalance;
pub(crate) mod recycling;
pub(crate) mod run_time;
pub(crate) mod size;
pub(crate) mod start_gate;
pub(crate) mod tuning;
pub(crate) mod worker_affinity;
