//! Memory that one process fills and others read.
//!
//! A segment is a memory file, sealed at its size. The process that made it has the only mapping that can be
//! written to: the file is sealed against any other, and who opens it does so for reading. What another
//! process reads is fixed by agreement and not by the kernel, though: the maker may fill the segment anew,
//! and must not while anyone reads it. Both are one program, which keeps to that by counting who reads
//! (`procpool-shared` does).
//!
//! A segment is found by its maker's process and the number that its descriptor has there, so that no
//! descriptor ever travels, waits in a socket, or comes uninvited.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::ptr::NonNull;
use std::slice;

use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};

/// What nobody can take back: the file keeps its size.
const SIZE_SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

/// A segment of this process, which can fill it.
#[derive(Debug)]
pub struct Segment {
    mapping: Mapping,
    file: OwnedFd,
}

/// A segment of another process, to read.
#[derive(Debug)]
pub struct SegmentView {
    mapping: Mapping,
    file: File,
}

/// Why a segment of another process can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// It is not what the other process says that it is.
    #[error("it is not a sealed memory file of {size} bytes: {what}")]
    Invalid {
        /// How many bytes it is said to have.
        size: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The system is short of something, or doesn't let this process look into the other.
    #[error("it can't be opened: {0}")]
    System(#[from] io::Error),
}

impl Segment {
    /// Makes a segment of at least `len` bytes, which are zero, with all of its memory.
    ///
    /// # Errors
    ///
    /// What the kernel says: out of descriptors or memory.
    ///
    /// ```
    /// use procpool_os::{Segment, SegmentView};
    ///
    /// let mut segment = Segment::create(100)?;
    /// segment.as_mut_slice()[..5].copy_from_slice(b"hello");
    /// let (pid, number) = (std::process::id(), segment.number());
    /// let view = SegmentView::open(pid, number, segment.as_slice().len() as u64)?;
    /// assert_eq!(&view.as_slice()[..5], b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(len: usize) -> io::Result<Segment> {
        let page = rustix::param::page_size();
        let size = len.max(1).checked_next_multiple_of(page);
        let size = size.ok_or(io::ErrorKind::InvalidInput)?;
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let name = c"procpool-shared";
        let file = match rustix::fs::memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
            // Before Linux 6.3 there is no such flag.
            Err(rustix::io::Errno::INVAL) => rustix::fs::memfd_create(name, flags)?,
            created => created?,
        };
        // All of the memory now: a page that can't be had later would end the process.
        rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size as u64)?;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let mapping = Mapping::new(&file, size, protection, MapFlags::POPULATE)?;
        let seals = SIZE_SEALS | SealFlags::SEAL;
        match rustix::fs::fcntl_add_seals(&file, seals | SealFlags::FUTURE_WRITE) {
            // Before Linux 5.1 there is no such seal.
            Err(rustix::io::Errno::INVAL) => rustix::fs::fcntl_add_seals(&file, seals)?,
            sealed => sealed?,
        }
        Ok(Segment { mapping, file })
    }

    /// All of its bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.mapping.as_slice()
    }

    /// All of its bytes, to be filled. No other process may be reading them.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: the mapping is of that many bytes that can be written, there for as long as `self` is, and
        // this process has no other of the file; the borrow of `self` keeps it from being read here meanwhile.
        unsafe { slice::from_raw_parts_mut(self.mapping.start.as_ptr(), self.mapping.size) }
    }

    /// The number of its descriptor, by which another process finds it.
    #[must_use]
    pub fn number(&self) -> u32 {
        // A descriptor that is open is never negative.
        self.file.as_raw_fd().unsigned_abs()
    }
}

impl SegmentView {
    /// Opens the segment that has this descriptor number in that process.
    ///
    /// # Errors
    ///
    /// [`SegmentError::Invalid`] if it is not a memory file, sealed at `size` and with all of its memory;
    /// it could change its size under the reader, who would die of that, or grow by being read.
    pub fn open(pid: u32, number: u32, size: u64) -> Result<SegmentView, SegmentError> {
        let invalid = |what| SegmentError::Invalid { size, what };
        let opened = OpenOptions::new()
            .read(true)
            // Whatever the number names, opening it neither waits nor makes it a terminal.
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(format!("/proc/{pid}/fd/{number}"));
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(invalid("there is no such descriptor"));
            }
            opened => opened?,
        };
        let seals =
            rustix::fs::fcntl_get_seals(&file).map_err(|_| invalid("it is not a memory file"))?;
        if !seals.contains(SIZE_SEALS) {
            return Err(invalid("it is not sealed"));
        }
        let metadata = file.metadata()?;
        if metadata.size() != size {
            return Err(invalid("it has another size"));
        }
        if metadata.blocks().saturating_mul(512) < size {
            return Err(invalid("it has holes"));
        }
        let len = usize::try_from(size).map_err(|_| invalid("it is too large"))?;
        if len == 0 {
            return Err(invalid("it is empty"));
        }
        let mapping = Mapping::new(&file, len, ProtFlags::READ, MapFlags::empty())?;
        Ok(SegmentView { mapping, file })
    }

    /// All of its bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.mapping.as_slice()
    }

    /// The number of its descriptor in this process, by which a third one finds it.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.file.as_raw_fd().unsigned_abs()
    }
}

/// Whether another process of the same user may open what this one has open.
#[must_use]
pub fn can_be_opened() -> bool {
    use rustix::process::DumpableBehavior;
    rustix::process::dumpable_behavior()
        .is_ok_and(|behavior| behavior == DumpableBehavior::Dumpable)
}

/// A part of the address space that stands for a file.
#[derive(Debug)]
struct Mapping {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: the pointer is to a mapping that this value owns and that has no tie to a thread.
unsafe impl Send for Mapping {}
// SAFETY: through `&Mapping` the memory is only read.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(
        file: impl AsFd,
        size: usize,
        protection: ProtFlags,
        flags: MapFlags,
    ) -> io::Result<Mapping> {
        // SAFETY: the kernel picks the place, so no other mapping is touched.
        let address = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                size,
                protection,
                MapFlags::SHARED | flags,
                file,
                0,
            )
        }?;
        let start = NonNull::new(address.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapping { start, size })
    }

    fn as_slice(&self) -> &[u8] {
        // SAFETY: the mapping is of that many bytes, of a file that is sealed at that size, so that each can
        // be read; it is there for as long as `self` is. This process writes to it only through
        // `&mut Segment`. Another one does only if it is the maker and nobody reads, as the module says.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.size) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this value owns the mapping, and no reference into it outlives the value.
        let unmapped = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.size) };
        debug_assert_eq!(unmapped, Ok(()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(number: u32, size: usize) -> Result<SegmentView, SegmentError> {
        SegmentView::open(std::process::id(), number, size as u64)
    }

    fn why(result: Result<SegmentView, SegmentError>) -> &'static str {
        match result {
            Err(SegmentError::Invalid { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    }

    fn memory(size: u64, seals: SealFlags) -> OwnedFd {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = rustix::fs::memfd_create(c"test", flags).unwrap();
        rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size).unwrap();
        rustix::fs::fcntl_add_seals(&file, seals).unwrap();
        file
    }

    #[test]
    fn what_the_maker_writes_is_what_others_read() {
        let mut segment = Segment::create(10_000).unwrap();
        let size = segment.as_slice().len();
        assert!(size >= 10_000 && segment.as_slice().iter().all(|&byte| byte == 0));
        let view = open(segment.number(), size).unwrap();
        let again = open(view.number(), size).unwrap();
        segment.as_mut_slice()[9_999] = 7;
        assert_eq!(view.as_slice()[9_999], 7);
        drop(segment);
        assert_eq!((view.as_slice()[9_999], again.as_slice()[9_999]), (7, 7));
    }

    #[test]
    fn nobody_can_change_its_size_or_write_to_it() {
        let segment = Segment::create(4096).unwrap();
        rustix::fs::ftruncate(&segment.file, 0).unwrap_err();
        rustix::fs::ftruncate(&segment.file, 8192).unwrap_err();
        rustix::io::write(&segment.file, b"no").unwrap_err();
        let path = format!("/proc/self/fd/{}", segment.number());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap();
        rustix::io::write(&file, b"no").unwrap_err();
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        Mapping::new(&file, 4096, protection, MapFlags::empty()).unwrap_err();
        rustix::fs::fcntl_add_seals(&segment.file, SealFlags::WRITE).unwrap_err();
    }

    #[test]
    fn what_is_no_sealed_memory_of_that_size_is_refused() {
        let segment = Segment::create(4096).unwrap();
        for size in [0, 1, 4095, 8192, usize::MAX] {
            assert_eq!(why(open(segment.number(), size)), "it has another size");
        }
        let number = |file: &OwnedFd| file.as_raw_fd().unsigned_abs();
        for seals in [SealFlags::empty(), SealFlags::GROW, SealFlags::SHRINK] {
            let file = memory(4096, seals);
            assert_eq!(why(open(number(&file), 4096)), "it is not sealed");
        }
        let sparse = rustix::fs::memfd_create(c"test", MemfdFlags::ALLOW_SEALING).unwrap();
        rustix::fs::ftruncate(&sparse, 1 << 30).unwrap();
        rustix::fs::fcntl_add_seals(&sparse, SIZE_SEALS).unwrap();
        assert_eq!(why(open(number(&sparse), 1 << 30)), "it has holes");
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        assert_eq!(why(open(number(&reader), 4096)), "it is not a memory file");
        assert_eq!(why(open(u32::MAX, 4096)), "there is no such descriptor");
        assert_eq!(
            why(SegmentView::open(0, 0, 4096)),
            "there is no such descriptor"
        );
    }
}
