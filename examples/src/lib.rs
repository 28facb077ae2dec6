//! Code that several examples use: a table, and a meeting with running functions.
//!
//! The examples are the programs beside this folder. `cargo run --release --example fetch_then_parse`
//! runs the main one.
#![forbid(unsafe_code)]

mod meeting;
mod table;

pub use meeting::{Arrival, Meeting, arrive, workers_at_once};
pub use table::{Align, Table};
