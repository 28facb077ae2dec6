//! Streams of results: of a function on many items, of one call that makes many items, and of a set of tasks.

mod batch;
mod calls;
mod completed;
mod feed;
pub(crate) mod item_stream;
pub(crate) mod items;
pub(crate) mod map;
mod pull_budget;
mod results;
mod sizer;
pub(crate) mod task_set;

pub use calls::ProcessStreamExt;
pub use item_stream::ItemStream;
pub use items::Items;
pub use map::Map;
pub use task_set::TaskSet;
