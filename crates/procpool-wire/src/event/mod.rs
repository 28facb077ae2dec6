//! What a worker sends to its parent.

mod finished;
mod message;
mod outcome;
mod refusal;

pub use finished::Finished;
pub use message::Event;
pub use outcome::Outcome;
pub use refusal::{PanicReport, Refusal};
