//! The encoding of arguments and results.
//!
//! A self-describing format that follows serde's data model without a gap, because the values are
//! the user's and no type may come back changed: whatever [`encode`] accepts, [`decode`] gives back
//! equal, or it reports an error.
//!
//! # What travels
//!
//! Every type that serde's derive can make, all four enum representations, `flatten`,
//! `skip_serializing_if`, `default`, maps with any key, nested options (`Some(None)` is not
//! `None`), 128-bit integers, floats to the bit, and the types that write themselves differently
//! for a human reader. The format says `is_human_readable() == true` on both sides: serde buffers
//! untagged, internally tagged and flattened types in a form that always says so, and an `IpAddr`
//! inside one could not be read back if the format around it said otherwise.
//!
//! # What is refused
//!
//! - Values nested deeper than [`MAX_DEPTH`], on both sides, so that bytes cannot overflow the
//!   stack. Each sequence, tuple, map, struct, enum variant with content, `Some` and newtype struct
//!   is one level.
//! - `u128` and `i128` fields *inside* an untagged, internally tagged or flattened type: serde's
//!   buffer has no room for them. Decoding fails, as it does with JSON. Beside such a type, and in
//!   every other place, they travel.
//! - Sequences and maps that their reader leaves before the end.
//!
//! No format can keep an untagged enum apart whose variants look alike (`A(u8)` and `B(u64)`):
//! serde takes the first that fits, by definition.
//!
//! # Format
//!
//! A value is a tag byte and what follows it. Numbers are little-endian. A *length* is a
//! non-negative integer in this very format, so it takes one byte up to 127.
//!
//! | tag | value | followed by |
//! |---|---|---|
//! | `00`–`7f` | integer 0 to 127 | |
//! | `80`–`9f` | integer -32 to -1 | |
//! | `a0`–`bf` | string of 0 to 31 bytes | UTF-8 |
//! | `c0` | unit, unit struct | |
//! | `c1` `c2` | `None`, `Some` | for `Some`: the value |
//! | `c3` `c4` | `false`, `true` | |
//! | `c5` … `c9` | integer ≥ 0 | 1, 2, 4, 8, 16 bytes |
//! | `ca` … `ce` | integer < 0 | 1, 2, 4, 8, 16 bytes, two's complement |
//! | `cf` `d0` | `f32`, `f64` | its 4 or 8 bytes |
//! | `d1` | `char` | 4 bytes |
//! | `d2` | string | length, UTF-8 |
//! | `d3` | byte string (`serialize_bytes`) | length, bytes |
//! | `d4` | sequence or tuple whose elements are all `u8` | length, bytes |
//! | `d5` | any other sequence, tuple or tuple struct | its elements, end |
//! | `d6` | map or struct | key, value, key, value, …, end; a struct's keys are its field names |
//! | `d7` | enum variant with content | its name, then its content as one value |
//! | `d8` | end | |
//! | `d9` | an [attachment], or elsewhere its bytes | its index |
//!
//! A unit variant is its name, a string. An integer takes the shortest form, whatever its type; a
//! newtype struct is what it contains. The end mark, in place of a count, means that nothing has to
//! be trusted or reserved before it has arrived.
//!
//! # Examples
//!
//! ```
//! use procpool_wire::value;
//!
//! let mut bytes = Vec::new();
//! value::encode(&("resize", Some(None::<u32>), vec![0u8; 100]), &mut bytes)?;
//!
//! let back: (String, Option<Option<u32>>, Vec<u8>) = value::decode(&bytes)?;
//! assert_eq!(back, ("resize".to_owned(), Some(None), vec![0; 100]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod attachment;
mod codec;
mod error;
mod max_depth;
mod prefix;
mod read;
mod tag;
mod vec_u8;
mod write;

pub use codec::{decode, encode, encode_reserving};
pub use error::{DecodeError, EncodeError};
pub use max_depth::MAX_DEPTH;
pub use prefix::Prefix;

pub(crate) use codec::{decode_attached, encode_attaching, encode_own};
