//! What a parent sends to its worker.

mod limits;
mod message;
mod preparation;
mod run;
mod start;

pub use limits::Limits;
pub use message::Command;
pub use preparation::Preparation;
pub use run::Run;
pub use start::{PROTOCOL_VERSION, Setup, Start};
