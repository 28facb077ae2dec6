//! The frames of the byte stream: each is a header, then the body of one message.
//!
//! ```text
//!  0      1      2        4        8         8 + lead     8 + length
//!  | kind | lead | zeroes | length | fields … | payload …  |
//! ```
//!
//! All integers are little-endian. `length` is the length of the body, without the header. In a large frame `lead` is
//! the number of bytes before the bulk: the reader reads these apart, and the bulk into memory of its own.
//! In other frames `lead` is zero. The two reserved bytes must be zero, so that a peer that has lost its place in
//! the stream is noticed early.
//!
//! A map may have millions of results of a few bytes each, and then a header of eight bytes would be most of the
//! stream. So the frame of a result of up to 63 bytes has a header of one byte, `0xc0 + length`. The frame of a
//! [scalar](crate::ScalarType) has a header of one byte that gives its type, and so its length: `0xb0 + number`.
//! No other kind of message has such a number, and neither byte begins a text.

mod buffer;
mod bulk;
mod header;
mod raw;

pub use buffer::FrameBuffer;
pub use bulk::{Bulk, Reserve};
pub use header::{FrameError, HEADER_LEN, MAX_BODY_LEN, header, scalar_header, short_header};
pub use raw::{Frame, take};

pub(crate) use header::{LARGE, header_word, scalar_type, short};
