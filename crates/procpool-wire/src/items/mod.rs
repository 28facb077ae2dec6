//! Many items of one function in one message, and their results.
//!
//! The items go down as a [list](push_item), or as a column of [bare numbers](crate::ScalarType). A result comes up as a
//! frame of its own, so that it is whole in the stream before the next item begins.

mod frames;
mod list;
mod result;
mod run;

pub use frames::ItemFrames;
pub use list::{push_item, skip_items, take_item};
pub use result::ItemResult;
pub use run::RunItems;
