//! Bytes that are passed to another process without a copy.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use procpool_os::segment;
use procpool_wire::value::attachment::{self, NAME};
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::cache::{self, OwnSegment};
use crate::handle::{Handle, Memory};

/// Bytes in memory that a pool's processes share. They are filled once, and then passed to tasks, and back in results,
/// without a copy.
///
/// They dereference to `&[u8]`, and may be anywhere in arguments and results: alone, in a tuple, in a struct, in a
/// `Vec`. A clone is another handle to the same bytes. The bytes never change while any process has a handle to them.
///
/// From about 1 MiB on they are faster than a `Vec<u8>`: passing the same bytes to another task takes some
/// microseconds, whatever their size. For small data a `Vec<u8>` is faster.
///
/// Other formats (`serde_json`, …) see plain bytes. As an item of a `map` they are copied, too.
///
/// # Memory
/// When the last handle in every process is dropped, the process that made the bytes keeps the memory for the next
/// ones, since filling fresh memory costs many times more. It keeps at most 256 MiB, and gives up what was not used
/// for ten seconds when it puts away the next. The handles of a worker that exits or is killed count as dropped.
///
/// A control group charges shared memory to the process that filled it. A `memory_limit` without a control group
/// limits a worker's private data, and does not count shared memory.
///
/// If the system refuses shared memory, or does not let one process open the memory of another (as for a program
/// that was given privileges by its file), the bytes are in ordinary memory and are copied between processes.
///
/// # Trust
/// The kernel keeps a worker from writing to bytes that it was lent. A faulty worker can still change bytes that it
/// has made itself while another process reads them.
///
/// ```
/// use procpool_shared::SharedBytes;
///
/// let bytes = SharedBytes::with_len(5, |buffer| buffer.copy_from_slice(b"hello"));
/// assert_eq!(&bytes[1..3], b"el");
/// assert_eq!(bytes.clone(), SharedBytes::from(&b"hello"[..]));
/// ```
#[derive(Clone)]
pub struct SharedBytes(Arc<Handle>);

impl SharedBytes {
    /// Makes `len` bytes, which `fill` writes in place.
    ///
    /// The buffer's content is arbitrary at first: zeroes, or what the memory held when this process last used it.
    /// `fill` should write all of it.
    ///
    /// # Panics
    /// If `fill` panics; no bytes are made then.
    pub fn with_len(len: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        match fill_segment(len, fill) {
            Ok(own) => SharedBytes(Arc::new(Handle::new(Memory::Own(own), len))),
            Err(fill) => {
                let mut bytes = vec![0; len];
                fill(&mut bytes);
                SharedBytes::unshared(bytes)
            }
        }
    }

    fn unshared(bytes: Vec<u8>) -> Self {
        let len = bytes.len();
        SharedBytes(Arc::new(Handle::new(Memory::Unshared(bytes), len)))
    }

    fn can_attach(&self) -> bool {
        !matches!(self.0.memory(), Memory::Unshared(_)) && segment::can_be_opened()
    }
}

/// Has `fill` write the first `len` bytes of a segment; returns `fill` if no segment can be written.
fn fill_segment<F: FnOnce(&mut [u8])>(len: usize, fill: F) -> Result<OwnSegment, F> {
    let Ok(mut own) = cache::take(len) else {
        return Err(fill);
    };
    match own.segment.write() {
        Ok(mut buffer) => fill(&mut buffer[..len]),
        Err(_) => return Err(fill),
    }
    Ok(own)
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<&[u8]> for SharedBytes {
    /// Copies the bytes.
    fn from(bytes: &[u8]) -> Self {
        SharedBytes::with_len(bytes.len(), |buffer| buffer.copy_from_slice(bytes))
    }
}

impl From<Vec<u8>> for SharedBytes {
    /// Copies the bytes.
    fn from(bytes: Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl PartialEq for SharedBytes {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl Eq for SharedBytes {}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBytes")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl Serialize for SharedBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.can_attach() {
            true => serializer.serialize_newtype_struct(NAME, &Content(self)),
            false => serializer.serialize_bytes(self),
        }
    }
}

/// The content of the newtype struct as which shared bytes are serialized.
struct Content<'a>(&'a SharedBytes);

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match attachment::attach(|| self.0.0.clone()) {
            true => serializer.serialize_unit(),
            false => serializer.serialize_bytes(self.0),
        }
    }
}

impl<'de> de::Deserialize<'de> for SharedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = SharedBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_unit<E: de::Error>(self) -> Result<SharedBytes, E> {
        let attachment = attachment::take_attached();
        let any = attachment.map(|attachment| attachment as Arc<dyn Any + Send + Sync>);
        match any.map(Arc::downcast::<Handle>) {
            Some(Ok(handle)) => Ok(SharedBytes(handle)),
            Some(Err(_)) | None => Err(E::invalid_type(de::Unexpected::Unit, &self)),
        }
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<SharedBytes, D::Error> {
        deserializer.deserialize_byte_buf(self)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<SharedBytes, E> {
        Ok(SharedBytes::unshared(bytes.to_vec()))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<SharedBytes, E> {
        Ok(SharedBytes::unshared(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<SharedBytes, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        Ok(SharedBytes::unshared(bytes))
    }
}
