//! One call: decode the arguments, run the function, encode the result.

mod broadcast;
mod context;

pub use broadcast::{BroadcastCall, TryBroadcastCall};
pub(crate) use context::{Call, CallResult, End, Unprepared};
pub use context::{InitializerCall, PlainCall, StatefulCall, TryInitializerCall};
