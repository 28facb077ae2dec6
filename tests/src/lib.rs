//! Helpers of procpool's integration tests: waiting for events in other processes.
//!
//! Nothing here waits for time to pass. A function in a worker reports its start by reaching a [`Gate`].
//! A test sees its end when the kernel closes that connection, or by a [`Watched`] process.
#![forbid(unsafe_code)]

mod alone;
mod descriptors;
mod gate;
mod impostor;
mod log;
mod patience;
mod signals;
mod stage;
mod traces;
mod trap;
mod watchdog;
mod watched;
mod witness;

pub use alone::alone;
pub use descriptors::open_descriptors;
pub use gate::{Gate, Visitor, visit, visit_and_linger};
pub use impostor::{Impostor, answer};
pub use log::{Log, lines, note};
pub use patience::patiently;
pub use signals::kill;
pub use stage::Stage;
pub use traces::Traces;
pub use trap::{Bomb, Manner, Plan, Side, Step, Trap};
pub use watchdog::patiently_on;
pub use watched::{Watched, children};
pub use witness::Witness;
