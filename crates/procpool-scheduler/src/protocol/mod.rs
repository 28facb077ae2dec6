//! How a decision is carried out, so that each task is resolved exactly once.

pub(crate) mod broadcast;
pub(crate) mod cancel;
pub(crate) mod clock;
pub(crate) mod dispatch;
pub(crate) mod lifecycle;
pub(crate) mod reserve;
pub(crate) mod revoke;
pub(crate) mod split;
pub(crate) mod warm_up;
