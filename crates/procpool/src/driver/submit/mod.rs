//! What the handles of a pool ask of it, and what keeps it open.

pub(crate) mod accepted;
pub(crate) mod fresh_call;
pub(crate) mod open_pool;
pub(crate) mod reservation;
pub(crate) mod submission;
pub(crate) mod warm_up;
