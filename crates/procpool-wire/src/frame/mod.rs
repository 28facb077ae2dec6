//! How messages lie in the byte stream: a fixed header, then the body.
//!
//! ```text
//!  0      1      2        4        8         8 + lead     8 + length
//!  | kind | lead | zeroes | length | fields … | payload …  |
//! ```
//!
//! All integers are little endian. `length` counts the body alone, that is what follows the header.
//! `lead` is zero, or says how many bytes of the body come before its bulk: whoever reads a large frame
//! reads these apart, and the rest to where it is to stay. The two reserved bytes must be zero, so that
//! a peer that has lost its place in the stream is noticed early.
//!
//! There may be millions of results of a few bytes each, for which such a header would be most of what is
//! copied. So the frame of one up to 63 bytes has a header of one byte, from 0xc0 on, where no other kind is:
//! `0xc0 + length`. That of a [bare number](crate::ScalarType) says by its one byte which type it is of, and so how long
//! it is: `0xb0 + number`. No text begins like that, so that they are still known for what they are.

mod buffer;
mod bulk;
mod header;
mod raw;

pub use buffer::FrameBuffer;
pub use bulk::{Bulk, Reserve};
pub use header::{FrameError, HEADER_LEN, MAX_BODY_LEN, header, scalar_header, short_header};
pub use raw::{Frame, take};

pub(crate) use header::{LARGE, header_word, scalar_type, short};
