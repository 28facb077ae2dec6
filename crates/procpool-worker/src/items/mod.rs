//! A run of several items in one dispatch: a chunk of a map, or the results of a stream.

mod run;
mod stream;

pub(crate) use run::ItemRun;
pub use run::{PlainItems, StatefulItems};
pub(crate) use stream::Maker;
pub use stream::StreamCall;
