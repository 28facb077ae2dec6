//! Sockets, streams and timers as descriptors.

pub mod output;
pub mod socket;
pub mod stdio;
pub mod timer;
