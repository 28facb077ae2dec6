//! One worker, from its spawn until it is reaped.

pub(crate) mod handshake;
pub(crate) mod reader;
pub(crate) mod spawn;
pub(crate) mod supervisor;
