//! The worker's side of procpool: receive a task, decode, call, encode, send the result.
//!
//! [`init`] turns a process that was started as a worker into one, and never returns there. A worker has no async
//! runtime, so that it starts fast and nothing but the function runs.
//!
//! The way of a task through this crate:
//!
//! ```text
//! channel/inbox.rs        reads the command from the socket; spin_wait waits for it
//! serve.rs                runs one command after another
//!   worker.rs             claims the task on the control page
//!   limiter.rs            sets the task's limits
//!   call/function.rs      knows the function's type
//!   call/context.rs       decodes the arguments, calls the function, encodes the result
//!     panic.rs            catches a panic
//! channel/outbox.rs       puts the result into shared memory, and sends many together
//! ```
//!
//! `items` runs several items of a map or a stream in one dispatch. `start` is the way from `main` to the first task.
//! `tuning` has the constants that decide how fast all of this is.
//!
//! This crate is a part of `procpool`; its interface may change with any version.
#![forbid(unsafe_code)]

mod call;
mod channel;
mod items;
mod limiter;
mod panic;
mod serve;
mod spin_wait;
mod start;
mod tuning;
pub mod worker;

pub use call::{BroadcastCall, TryBroadcastCall};
pub use call::{InitializerCall, PlainCall, StatefulCall, TryInitializerCall};
pub use items::{PlainItems, StatefulItems, StreamCall};
pub use panic::{catch as catch_panic, note_panics};
pub use start::{MARKER, arguments, init, is_initialized};
