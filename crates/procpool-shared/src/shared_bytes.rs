//! Bytes that need no copy to be in another process.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use procpool_os::segment;
use procpool_wire::value::attachment::{self, NAME};
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::cache;
use crate::handle::{Handle, Memory};

/// Bytes in memory that a pool's processes share: made once, given to many tasks, and read there, and in
/// what they return, without a copy.
///
/// It is a `&[u8]` wherever it is, and may stand anywhere in arguments and results: alone, in tuples, in
/// structs, in a `Vec`. A clone is a handle to the same bytes. They never change while there is a handle, in
/// whatever process; when the last one is gone the memory is kept a while to be filled anew, since fresh
/// memory costs many times more than to fill it (256 MiB at most in each process, what was not used for ten
/// seconds goes when the next is put away). What a process holds that ends or is killed is given back.
///
/// From about a mebibyte on it is faster than a `Vec<u8>`, and to give the same bytes to another task costs
/// some microseconds, whatever their size. Small ones are better off as a `Vec<u8>`.
///
/// To other formats (`serde_json`, …) it is bytes like any other. Among the items of a
/// `map` it is copied, too.
///
/// # Memory
/// Shared memory is counted where the system counts it: a control group charges who filled it, and
/// `memory_limit` without one, which is a limit on a worker's own data, doesn't count it. The processes of a pool
/// trust each other here: the kernel keeps a worker from writing to what it was lent, but a worker that
/// goes wrong can change what it has lent itself, while it is read.
///
/// If the system refuses shared memory, the bytes are in ordinary memory, and are copied on their way; so
/// they are where one process may not look into another (a program that was given privileges by its file).
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
    /// Bytes that `fill` puts there, without a copy.
    ///
    /// What is in the buffer before is whatever was: zeroes, or what the memory held when it was last used by
    /// this process. So all of it should be filled.
    ///
    /// # Panics
    /// If `fill` does; nothing is left then.
    pub fn with_len(len: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let Ok(mut named) = cache::take(len) else {
            let mut bytes = vec![0; len];
            fill(&mut bytes);
            return SharedBytes::plain(bytes);
        };
        fill(&mut named.segment.as_mut_slice()[..len]);
        SharedBytes(Arc::new(Handle::new(Memory::Own(Some(named)), len)))
    }

    fn plain(bytes: Vec<u8>) -> Self {
        let len = bytes.len();
        SharedBytes(Arc::new(Handle::new(Memory::Plain(bytes), len)))
    }

    fn can_attach(&self) -> bool {
        !matches!(self.0.memory(), Memory::Plain(_)) && segment::can_be_opened()
    }
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

/// What the newtype struct consists of.
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
        Ok(SharedBytes::plain(bytes.to_vec()))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<SharedBytes, E> {
        Ok(SharedBytes::plain(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<SharedBytes, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        Ok(SharedBytes::plain(bytes))
    }
}
