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
//! A value is a tag byte and what follows it. Numbers are little-endian. A *length* or *count* is a
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
//! | `d4` | sequence or tuple | count, elements |
//! | `d5` | map or struct | count, key, value, key, value, …; a struct's keys are its field names |
//! | `d6` | enum variant with content | its name, then its content as one value |
//! | `d7` | an [attachment], or elsewhere its bytes | its index |
//! | `d8` | the first value of a shape (below) | distance to the shapes, 8 bytes; then the value |
//! | `d9` | a value of a shape | the shape's number, one byte; then its slots |
//! | `e0` … `eb` | *column*: a sequence of scalars of one kind | count, the scalars without tags |
//!
//! A unit variant is its name, a string. An integer takes the shortest form, whatever its type; a
//! newtype struct is what it contains. No count is trusted: there must be bytes left for what it counts.
//!
//! The kinds of scalars are `u8`, `i8`, `bool`, `u16`, `i16`, `u32`, `i32`, `char`, `f32`, `u64`, `i64` and
//! `f64`, in this order. An array of more than 12 elements is a sequence; a column turns into a tagged sequence
//! when an element of another kind comes.
//!
//! ## Shapes
//!
//! Most large values have very many structs of few types. The first value of a struct, a tuple or an enum variant is
//! written as the table says, in full. From the second one on, such a value is the number of its *shape* and its
//! *slots*. A shape says once for all of them what is the same: the variant's name, the names of the fields, and the
//! kind of each slot. A slot of a scalar has no tag; any other value in a slot is tagged.
//!
//! The encoder expects the next struct of a name to have the shape of the last one, and compares pointers of
//! names. A field of another kind than expected is written with its tag, and the value gets another shape, in which
//! that slot is tagged. So a type has few shapes: a slot only ever becomes tagged. A field that is skipped makes
//! its slot optional: from then on it holds a tagged value or the byte `da`. Shapes that were found are kept until
//! the end of the value, so that a value's number is known when it ends, and stands before it.
//! When there are 255 shapes, or might be, values are written in full.
//!
//! The shapes stand behind the value, where the distance says: their count (one byte), and of each its form (one
//! byte: 0 struct, 1 tuple, 2 unit variant, 3 newtype variant, 4 tuple variant, 5 struct variant), the name of a
//! variant, the count of slots, and for each slot its name, if the form has names, and its kind (one byte: a
//! scalar's number, 12 for tagged, 13 for optional).
//!
//! A derived visitor that asks for just the fields of a shape, in the same order, is given the slots as a
//! sequence, and no name is looked at. Any other reader is given a map with the names, as from the full form.
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
mod decode;
mod encode;
mod error;
mod kind;
mod max_depth;
mod prefix;
mod shape_form;
mod tag;

pub use codec::{decode, encode, encode_reserving};
pub use error::{DecodeError, EncodeError};
pub use max_depth::MAX_DEPTH;
pub use prefix::Prefix;

pub(crate) use codec::{decode_attached, encode_attaching, encode_own};
