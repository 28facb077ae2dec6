//! Bytes in shared memory, and which process has lent which of them to whom.
//!
//! [`SharedBytes`] are a segment of shared memory that one process has filled. A [`Peer`] is the process at the
//! other end of one connection: it records the segments that were lent to that process and borrowed from it.
//! When every process has dropped its last handle, the segment goes into its owner's cache of unused segments,
//! and only then is it filled again.
//!
//! ```text
//!   owner                                        borrower
//!   SharedBytes ──lend──▶ Segments, message ──▶  maps the segment, unless it has; a handle
//!   keeps a handle while it is lent                   │ drops the handle
//!   handle dropped ◀── Segments: returned ◀───────────┘ (keeps the mapping)
//!   filled again … or given up: Segments: forgotten ──▶ drops the mapping
//! ```
//!
//! This crate is a part of `procpool`; its interface may change with any version.
#![forbid(unsafe_code)]

mod cache;
mod handle;
mod notices;
mod peer;
mod segment_id;
mod shared_bytes;

pub use peer::{Peer, Received};
pub use shared_bytes::SharedBytes;
