//! A run of several items in one dispatch: a chunk of a map, or the results of a stream.
//!
//! Each item is claimed on the control page before it runs, and told to the parent by itself. An
//! [`ItemRun`] is the context of the function that runs them.

mod function;
mod item_maker;
mod item_result;
mod run;
mod stream;

pub use function::{PlainItems, StatefulItems};
pub(crate) use run::ItemRun;
pub use stream::StreamCall;
