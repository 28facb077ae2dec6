//! What workers write to their standard output and error, on its way through this process.

mod forward;
mod lines;
mod outputs;
mod pump;
mod tail;

pub(crate) use outputs::Outputs;
pub(crate) use tail::Tail;
