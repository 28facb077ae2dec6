//! The end of a byte stream, kept in shared memory until the socket has it.
//!
//! A system call for each of many small messages would take most of the writer's time. So the writer appends
//! them to a ring in shared memory, and writes many of them to the socket together. A message is not lost if the
//! writer dies before that: the reader takes the rest of the stream from the ring. It does so as well while
//! the writer delays the socket write.
//!
//! # The protocol
//!
//! Each byte of the stream has a position, counted from its beginning, and its place in the ring is
//! that modulo the ring's length. Two words, which only the writer changes, divide the stream:
//!
//! ```text
//!        0 ……………………………… flushed ……………………………… head
//!        │   is in the socket   │    is in the ring   │   does not exist yet
//! ```
//!
//! - *The writer* stores bytes first and `head` after them. It writes to the socket, advances `flushed`, and
//!   only then reuses the places of flushed bytes. Bytes that go to the socket directly advance
//!   `flushed` and then `head`.
//! - *The reader* has the stream up to some position. It checks that `flushed` is not past that position,
//!   copies up to `head`, and checks again. If `flushed` is still not past the position, then
//!   no copied byte was overwritten: each store of a byte is a release that comes after
//!   the store of the `flushed` that allowed it. So a reader that got the new byte, with an acquire,
//!   sees that `flushed` in its second check, and discards the copy. It finds those bytes in the
//!   socket then.
//!
//! The reader trusts nothing here: any two numbers have a meaning, the copy is no longer than
//! the ring, and its bytes are as untrusted as bytes from a socket.
//!
//! The unit tests run the same code under loom.

mod ring;
mod writer;

pub(crate) use ring::PageSpool;
pub use writer::SpoolWriter;
