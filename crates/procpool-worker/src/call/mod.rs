//! One call: decode the arguments, run the function, encode the result.
//!
//! A [`CallContext`] holds the arguments, the result and the worker's state. Each kind of function has a
//! [`Trampoline`](procpool_os::Trampoline), which is monomorphic and runs the function on that context.

mod broadcast;
mod context;
mod function;
mod initializer;

pub use broadcast::{BroadcastCall, TryBroadcastCall};
pub(crate) use context::{CallContext, CallResult, Unprepared, wrong_entry};
pub(crate) use function::with_state;
pub use function::{PlainCall, StatefulCall};
pub use initializer::{InitializerCall, TryInitializerCall};
