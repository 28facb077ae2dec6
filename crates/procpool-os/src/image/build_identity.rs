//! The identity of a build.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;

/// The identity of a build: equal in two processes if and only if they run the same code.
///
/// Where the linker wrote a GNU build id, it is that id and a digest of the segment layout. Elsewhere it is the
/// identity of the file behind `/proc/self/exe` (device, inode, size) and the layout. On one
/// machine that is as strong as a hash of the contents, and takes microseconds. While a process runs an
/// executable, the kernel refuses to open it for writing
/// (`ETXTBSY`), and its inode can't be given to another file. The file's times are not part of it, because
/// `touch` changes them without changing the code.
///
/// ```
/// use procpool_os::{BuildIdentity, Image};
///
/// let mine = Image::current()?.identity();
/// let received = BuildIdentity::from_bytes(mine.as_bytes());
/// assert_eq!(&received, mine);
/// # Ok::<(), procpool_os::ImageError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BuildIdentity(Box<[u8]>);

impl BuildIdentity {
    /// The longest identity, in bytes.
    pub const MAX_BYTES: usize = 128;

    const KIND_BUILD_ID: u8 = 1;
    const KIND_FILE: u8 = 2;

    /// The identity as bytes, to be sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The identity whose [`as_bytes`](BuildIdentity::as_bytes) these are.
    ///
    /// Any bytes are accepted: bytes that no build gives are an identity that equals none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> BuildIdentity {
        BuildIdentity(bytes.into())
    }

    /// A number that differs between builds.
    pub(crate) fn digest(&self) -> u64 {
        fnv1a(self.0.iter().copied())
    }

    pub(crate) fn of_build_id(build_id: &[u8], layout: u64) -> BuildIdentity {
        let kind = [Self::KIND_BUILD_ID];
        BuildIdentity([&kind[..], &layout.to_le_bytes(), build_id].concat().into())
    }

    pub(crate) fn of_executable_file(layout: u64) -> io::Result<BuildIdentity> {
        let file = std::fs::metadata("/proc/self/exe")?;
        let mut bytes = vec![Self::KIND_FILE];
        for number in [layout, file.dev(), file.ino(), file.size()] {
            bytes.extend(number.to_le_bytes());
        }
        Ok(BuildIdentity(bytes.into()))
    }
}

impl fmt::Display for BuildIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BuildIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildIdentity({self})")
    }
}

/// The FNV-1a hash of these bytes.
pub(crate) fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325;
    bytes.fold(start, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Image;

    #[test]
    fn the_file_identity_is_stable_and_of_its_own_kind() {
        let one = BuildIdentity::of_executable_file(5).unwrap();
        let two = BuildIdentity::of_executable_file(5).unwrap();
        assert_eq!(one, two);
        assert_ne!(one, BuildIdentity::of_executable_file(6).unwrap());
        assert_ne!(&one, Image::current().unwrap().identity());
    }

    #[test]
    fn an_identity_equals_its_own_bytes_and_no_others() {
        let mine = Image::current().unwrap().identity();
        assert_eq!(&BuildIdentity::from_bytes(mine.as_bytes()), mine);
        for foreign in [&[][..], &[9, 1, 2], &mine.as_bytes()[1..]] {
            assert_ne!(&BuildIdentity::from_bytes(foreign), mine);
        }
        assert!(mine.as_bytes().len() <= BuildIdentity::MAX_BYTES);
        assert_eq!(mine.to_string().len(), 2 * mine.as_bytes().len());
    }
}
