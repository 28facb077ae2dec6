//! The chunks of a map, and where their results go.

pub(crate) mod chunk;
pub(crate) mod map_sink;
