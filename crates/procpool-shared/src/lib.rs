//! Bytes in shared memory, and what processes have lent each other of it.
//!
//! [`SharedBytes`] are a segment that one process has filled. [`Peer`] is the other end of one connection: it
//! knows what was lent to it and what was borrowed from it. A segment goes back to its maker's
//! store of unused ones (`cache`) when the last handle in every process is gone, and only then is it filled anew.
//!
//! ```text
//!   maker                                      borrower
//!   SharedBytes ──lend──▶ Segments, message ──▶ opens the segment, or knows it; a handle
//!   lent: a handle of ours stays                     │ dropped
//!   handle dropped ◀── Segments: returned ◀──────────┘ (its view is kept)
//!   filled anew … or given up: Segments: forgotten ──▶ view dropped
//! ```
//!
//! This crate is a part of `procpool`; its interface may change with any version.
#![forbid(unsafe_code)]

mod cache;
mod handle;
mod peer;
mod shared_bytes;

pub use peer::{Peer, Received};
pub use shared_bytes::SharedBytes;
