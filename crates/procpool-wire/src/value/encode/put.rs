//! The bytes of scalars, and of what leads a string.

use crate::value::tag;

/// Puts what comes before the bytes of a string.
#[inline]
pub(super) fn put_str_head(out: &mut Vec<u8>, len: usize) {
    if len <= usize::from(tag::SMALL_STR_MAX - tag::SMALL_STR) {
        out.push(tag::SMALL_STR + len as u8);
    } else {
        out.push(tag::STR);
        put_uint(out, len as u64);
    }
}

pub(super) fn put_str(out: &mut Vec<u8>, value: &str) {
    put_str_head(out, value.len());
    out.extend_from_slice(value.as_bytes());
}

#[inline]
pub(super) fn put_fixed<const N: usize>(out: &mut Vec<u8>, tag: u8, bytes: [u8; N]) {
    out.push(tag);
    out.extend_from_slice(&bytes);
}

/// Puts an integer in its shortest form.
#[inline]
pub(super) fn put_uint(out: &mut Vec<u8>, value: u64) {
    match wide(value) {
        // All that a word has room for is stored as one, since it is read as one again soon.
        Some((tag, width)) if width < size_of::<u64>() => {
            let len = out.len() + 1 + width;
            out.extend((value << 8 | u64::from(tag)).to_le_bytes());
            out.truncate(len);
        }
        Some((tag, _)) => put_fixed(out, tag, value.to_le_bytes()),
        None => out.push(value as u8),
    }
}

/// As [`put_uint`], for what may be negative.
#[inline]
pub(super) fn put_int(out: &mut Vec<u8>, value: i64) {
    if let Ok(value) = u64::try_from(value) {
        return put_uint(out, value);
    }
    if value >= -32 {
        // Truncation keeps the two's complement, of which the lowest five bits differ.
        out.push((value as u8) & 0x1f | tag::SMALL_NEG);
    } else if let Ok(value) = i8::try_from(value) {
        put_fixed(out, tag::I8, value.to_le_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        put_fixed(out, tag::I16, value.to_le_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        put_fixed(out, tag::I32, value.to_le_bytes());
    } else {
        put_fixed(out, tag::I64, value.to_le_bytes());
    }
}

/// The tag and the width of an integer that is not its own tag.
#[inline]
pub(in crate::value) fn wide(value: u64) -> Option<(u8, usize)> {
    if value <= tag::SMALL_UINT_MAX.into() {
        None
    } else if value <= u8::MAX.into() {
        Some((tag::U8, 1))
    } else if value <= u16::MAX.into() {
        Some((tag::U16, 2))
    } else if value <= u32::MAX.into() {
        Some((tag::U32, 4))
    } else {
        Some((tag::U64, 8))
    }
}
