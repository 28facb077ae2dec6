//! Many items of one function in one message, and their results.
//!
//! The items are sent as a [list](push_item), or as a column of [scalars](crate::ScalarType). Each result is a frame of
//! its own, so that it is in the stream before the next item begins.

mod frames;
mod list;
mod result;
mod run;

pub use frames::ItemFrames;
pub use list::{push_item, skip_items, take_item};
pub use result::ItemResult;
pub use run::RunItems;
