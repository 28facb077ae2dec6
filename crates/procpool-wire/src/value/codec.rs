//! Encoding a value to bytes, and decoding it.

use std::cell::OnceCell;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::attachment::Attachment;
use super::decode::Decoder;
use super::encode::Encoder;
use super::error::{DecodeError, EncodeError};

use crate::Reserve;

/// Appends the encoding of `value` to `out`.
///
/// # Errors
///
/// The value is nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH), or its `Serialize` implementation reports an
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
    let mut encoder = Encoder::new(out, reserve, attached);
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
/// Any bytes are safe to decode: there is no panic, the stack is bounded by [`MAX_DEPTH`](super::MAX_DEPTH), and
/// memory is taken as the value arrives and never for a length that the bytes only announce.
///
/// # Errors
///
/// The bytes are cut short, are not of this format, are not a `T`, are nested deeper than
/// [`MAX_DEPTH`](super::MAX_DEPTH), or go on after the value.
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
    let shapes = OnceCell::new();
    let mut decoder = Decoder::new(bytes, attached, &shapes);
    let value = T::deserialize(&mut decoder)?;
    decoder.finish()?;
    Ok(value)
}
