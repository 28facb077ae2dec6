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

mod access;
pub mod attachment;
mod byte;
mod de;
mod decoder;
mod encoder;
mod error;
mod prefix;
mod read;
mod ser;
mod tag;
mod whole;

pub use error::{DecodeError, EncodeError};
pub use prefix::Prefix;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Reserve;
use attachment::Attachment;

/// How many levels of nesting a value may have; see [what is refused](self#what-is-refused).
///
/// Twice what serde_json allows, since it does not count a `Some` or a newtype struct, and still
/// within half of a 2 MiB stack in a debug build.
pub const MAX_DEPTH: usize = 256;

/// Appends the encoding of `value` to `out`.
///
/// # Errors
///
/// The value is nested deeper than [`MAX_DEPTH`], or its `Serialize` implementation reports an
/// error. `out` is then truncated to its former length.
///
/// # Examples
///
/// ```
/// let mut out = vec![0xff];
/// procpool_wire::value::encode(&7u64, &mut out)?;
/// assert_eq!(out, [0xff, 7]);
/// # Ok::<(), procpool_wire::value::EncodeError>(())
/// ```
#[inline]
pub fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    encode_reserving(value, out, Vec::reserve)
}

/// As [`encode`], but the memory for much is had by `reserve`.
///
/// # Errors
///
/// As [`encode`].
#[inline]
pub fn encode_reserving<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
    reserve: Reserve,
) -> Result<(), EncodeError> {
    encode_attaching(value, out, reserve, None)
}

#[inline]
pub(crate) fn encode_attaching<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
    reserve: Reserve,
    attached: Option<&mut Vec<Attachment>>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let mut encoder = encoder::Encoder::new(out, reserve, attached);
    let result = value
        .serialize(&mut encoder)
        .and_then(|()| encoder.finish());
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Encodes a type of the protocol: structs of strings and numbers, which always can be.
pub(crate) fn encode_own(part: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    let encoded = encode(part, &mut out);
    debug_assert!(encoded.is_ok(), "a protocol type can't be encoded");
    out
}

/// Decodes the one value that fills all of `bytes`.
///
/// Any bytes are safe to decode: there is no panic, the stack is bounded by [`MAX_DEPTH`], and
/// memory is taken as the value arrives and never for a length that the bytes only announce.
///
/// # Errors
///
/// The bytes are cut short, are not of this format, are not a `T`, are nested deeper than
/// [`MAX_DEPTH`], or go on after the value.
///
/// # Examples
///
/// ```
/// let seven: u64 = procpool_wire::value::decode(&[7])?;
/// assert_eq!(seven, 7);
/// assert!(procpool_wire::value::decode::<u64>(&[7, 7]).is_err());
/// # Ok::<(), procpool_wire::value::DecodeError>(())
/// ```
#[inline]
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    decode_attached(bytes, &[])
}

#[inline]
pub(crate) fn decode_attached<T: DeserializeOwned>(
    bytes: &[u8],
    attached: &[Attachment],
) -> Result<T, DecodeError> {
    let mut decoder = decoder::Decoder::new(bytes, attached);
    let value = T::deserialize(&mut decoder)?;
    decoder.finish()?;
    Ok(value)
}
