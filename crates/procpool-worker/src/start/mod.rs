//! From the first line of `main` to a worker that takes tasks.

mod bootstrap;
mod marker;
mod preparation;

pub use bootstrap::{init, is_initialized};
pub use marker::{MARKER, arguments};
pub(crate) use preparation::run_broadcast;
