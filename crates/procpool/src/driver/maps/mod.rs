//! The chunks of a map, and the queue of their results.

pub(crate) mod chunk;
pub(crate) mod map_sink;
