//! What the examples of procpool share: a table, and a place to meet workers.
//!
//! The examples themselves are programs beside this folder; `cargo run --release --example
//! fetch_then_parse` runs the main one.
#![forbid(unsafe_code)]

mod meeting;
mod table;

pub use meeting::{Arrival, Meeting, arrive, workers_at_once};
pub use table::{Align, Table};
