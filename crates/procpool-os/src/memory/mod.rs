//! Memory: room in huge pages, and segments that processes share.

mod huge_pages;
pub mod segment;

pub use huge_pages::reserve;
