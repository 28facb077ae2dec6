//! The child's side of procpool: bootstrap, loop, decode, run, encode.
//!
//! [`init`] turns a process that was started as a worker into one; it never returns there. The loop
//! blocks in `read`: there is no async runtime in a worker, which makes it start fast and leaves the
//! function the only thing that runs. The way of a call through this crate: `bootstrap` →
//! `serve` (claims it on the control page) → `call` (decodes, calls, encodes) → `outbox`.
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
