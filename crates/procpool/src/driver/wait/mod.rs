//! What runtime tasks wait for: a descriptor, a time, the end of the pool.

pub(crate) mod alarm;
pub(crate) mod readiness;
pub(crate) mod stopped;
