//! The child's side of procpool: bootstrap, loop, decode, run, encode.
//!
//! [`init`] turns a process that was started as a worker into one; it never returns there. The loop
//! blocks in `read`: there is no async runtime in a worker, which makes it start fast and leaves the
//! function the only thing that runs. The way of a call through this crate: `bootstrap` →
//! `serve` (claims it on the control page) → `call` (decodes, calls, encodes) → `outbox`.
//!
//! This crate is a part of `procpool`; its interface may change with any version.
#![forbid(unsafe_code)]

mod bootstrap;
mod broadcast;
mod call;
mod inbox;
mod items;
mod limiter;
mod marker;
mod outbox;
mod pace;
mod panic;
mod preparation;
mod serve;
mod spinner;
mod stream;
pub mod worker;

pub use bootstrap::{init, is_initialized};
pub use broadcast::{BroadcastCall, TryBroadcastCall};
pub use call::{InitializerCall, PlainCall, StatefulCall, TryInitializerCall};
pub use items::{PlainItems, StatefulItems};
pub use marker::{MARKER, arguments};
pub use panic::{catch as catch_panic, note_panics};
pub use stream::StreamCall;
