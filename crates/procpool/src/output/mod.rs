//! The workers' standard output and error, as far as they pass through this process.

mod forward;
mod lines;
mod outputs;
mod pump;
mod tail;

pub(crate) use outputs::Outputs;
pub(crate) use tail::Tail;
