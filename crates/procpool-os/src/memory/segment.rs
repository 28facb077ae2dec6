//! Memory that one process fills and others read.
//!
//! A segment is a memory file, sealed at its size. The process that made it has the only mapping that can be
//! written to: the file is sealed against any other, and other processes open it for reading.
//!
//! # Reading excludes writing
//!
//! The owner fills a segment again when it is not read any more, and the other processes keep it mapped for that. So
//! a mapping alone gives no access to the bytes. A [`SegmentReader`] holds a shared lock of the file (`flock(2)`), a
//! [`SegmentWriter`] the exclusive one. The kernel grants them across processes and takes them back from a
//! process that ends. So the bytes behind a `&[u8]` do not change in a program in which every process uses this crate.
//! A process that writes to its mapping without it, by `unsafe` code, is outside of this model.
//!
//! A segment is found by its owner's process and the number that its descriptor has there. So no
//! descriptor is sent, waits in a socket, or arrives uninvited.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::ptr::NonNull;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{FallocateFlags, FlockOperation, MemfdFlags, SealFlags, flock};
use rustix::mm::{MapFlags, ProtFlags};

/// Seals that can't be taken back: the file keeps its size.
const SIZE_SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

/// A segment of this process, which can fill it.
#[derive(Debug)]
pub struct Segment {
    mapping: Mapping,
    file: OwnedFd,
}

/// The bytes of a [`Segment`], to be written. While it exists no process reads them.
#[derive(Debug)]
pub struct SegmentWriter<'a>(&'a mut Segment);

/// A segment of another process, mapped. [`read`](SegmentView::read) gives its bytes.
#[derive(Debug)]
pub struct SegmentView {
    mapping: Mapping,
    file: File,
    /// The lock belongs to the open file, so the first reader takes it and the last one releases it.
    readers: Mutex<usize>,
}

/// The bytes of a segment of another process. While it exists they don't change.
#[derive(Debug)]
pub struct SegmentReader(Arc<SegmentView>);

/// Why a segment of another process can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// It is not as the other process describes it.
    #[error("it is not a sealed memory file of {size} bytes: {what}")]
    Invalid {
        /// How many bytes it should have.
        size: u64,
        /// The reason.
        what: &'static str,
    },
    /// A resource is short, or the system doesn't let this process open the other one's files.
    #[error("it can't be opened: {0}")]
    System(#[from] io::Error),
}

impl Segment {
    /// Makes a segment of at least `len` bytes, which are zero, with all of its memory.
    ///
    /// # Errors
    ///
    /// The kernel's error: out of descriptors or memory.
    ///
    /// ```
    /// use procpool_os::{Segment, SegmentView};
    /// use std::sync::Arc;
    ///
    /// let mut segment = Segment::create(100)?;
    /// segment.write()?[..5].copy_from_slice(b"hello");
    /// let (pid, number) = (std::process::id(), segment.number());
    /// let view = Arc::new(SegmentView::open(pid, number, segment.size() as u64)?);
    /// let reader = view.read()?;
    /// assert_eq!(&reader[..5], b"hello");
    /// assert!(segment.write().is_err());
    /// drop(reader);
    /// assert!(segment.write().is_ok());
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
        // With all of its pages now: one that can't be allocated on a later access ends the process (`SIGBUS`).
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

    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.mapping.size
    }

    /// All of its bytes, to be filled.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] while a [`SegmentReader`] of any process exists; otherwise the kernel's error.
    pub fn write(&mut self) -> io::Result<SegmentWriter<'_>> {
        flock(&self.file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(SegmentWriter(self))
    }

    /// The number of its descriptor, by which another process finds it.
    #[must_use]
    pub fn number(&self) -> u32 {
        // A descriptor that is open is never negative.
        self.file.as_raw_fd().unsigned_abs()
    }
}

impl Deref for SegmentWriter<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl DerefMut for SegmentWriter<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        let mapping = &mut self.0.mapping;
        // SAFETY: the mapping is of that many bytes that can be written, and is there for as long as the segment
        // is. No other slice of them exists: the borrow of the segment excludes those of this mapping, and the
        // exclusive lock those of a `SegmentReader` in any process.
        unsafe { slice::from_raw_parts_mut(mapping.start.as_ptr(), mapping.size) }
    }
}

impl Drop for SegmentWriter<'_> {
    fn drop(&mut self) {
        unlock(self.0.file.as_fd());
    }
}

impl SegmentView {
    /// Opens the segment that has this descriptor number in that process.
    ///
    /// # Errors
    ///
    /// [`SegmentError::Invalid`] if it is not a memory file, sealed at `size` and with all of its memory. Otherwise
    /// the file could shrink while it is read, which would end this process, or a read would allocate memory.
    pub fn open(pid: u32, number: u32, size: u64) -> Result<SegmentView, SegmentError> {
        let invalid = |what| SegmentError::Invalid { size, what };
        let opened = OpenOptions::new()
            .read(true)
            // The number may name any file: opening it must not wait, nor give this process a terminal.
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
        Ok(SegmentView {
            mapping,
            file,
            readers: Mutex::new(0),
        })
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.mapping.size
    }

    /// All of its bytes, which the owner can't change while the reader exists.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] while the owner fills it; otherwise the kernel's error.
    pub fn read(self: &Arc<Self>) -> io::Result<SegmentReader> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if *readers == 0 {
            flock(&self.file, FlockOperation::NonBlockingLockShared)?;
        }
        *readers += 1;
        Ok(SegmentReader(Arc::clone(self)))
    }

    /// The number of its descriptor in this process, by which a third one finds it.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.file.as_raw_fd().unsigned_abs()
    }
}

impl SegmentReader {
    /// The segment that it reads.
    #[must_use]
    pub fn view(&self) -> &SegmentView {
        &self.0
    }
}

impl Deref for SegmentReader {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.mapping.as_slice()
    }
}

impl Drop for SegmentReader {
    fn drop(&mut self) {
        let view = &self.0;
        let mut readers = view.readers.lock().unwrap_or_else(PoisonError::into_inner);
        *readers -= 1;
        if *readers == 0 {
            unlock(view.file.as_fd());
        }
    }
}

fn unlock(file: BorrowedFd<'_>) {
    // Unlocking fails for a bad descriptor only.
    let unlocked = flock(file, FlockOperation::Unlock);
    debug_assert_eq!(unlocked, Ok(()));
}

/// Whether another process of the same user may open this process's files.
#[must_use]
pub fn can_be_opened() -> bool {
    use rustix::process::DumpableBehavior;
    rustix::process::dumpable_behavior()
        .is_ok_and(|behavior| behavior == DumpableBehavior::Dumpable)
}

/// A file that is mapped into the address space.
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
        // be read; it is there for as long as `self` is. The bytes are written only through a `SegmentWriter`.
        // That borrows the segment, whose `as_slice` calls this, and excludes every `SegmentReader`, which is the
        // other caller.
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

    fn open(number: u32, size: usize) -> Result<Arc<SegmentView>, SegmentError> {
        SegmentView::open(std::process::id(), number, size as u64).map(Arc::new)
    }

    fn why(result: Result<Arc<SegmentView>, SegmentError>) -> &'static str {
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
    fn other_processes_read_what_the_owner_writes() {
        let mut segment = Segment::create(10_000).unwrap();
        let size = segment.size();
        assert!(size >= 10_000 && segment.as_slice().iter().all(|&byte| byte == 0));
        let view = open(segment.number(), size).unwrap();
        let again = open(view.number(), size).unwrap();
        segment.write().unwrap()[9_999] = 7;
        assert_eq!(view.read().unwrap()[9_999], 7);
        drop(segment);
        assert_eq!(
            (view.read().unwrap()[9_999], again.read().unwrap()[9_999]),
            (7, 7)
        );
    }

    #[test]
    fn a_segment_is_not_written_while_it_is_read_nor_read_while_it_is_written() {
        let mut segment = Segment::create(4096).unwrap();
        let view = open(segment.number(), 4096).unwrap();
        let other = open(segment.number(), 4096).unwrap();
        let is_busy = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;

        let readers = [view.read(), view.read(), other.read()].map(Result::unwrap);
        for reader in readers {
            assert!(is_busy(segment.write().unwrap_err()));
            drop(reader);
        }
        let writer = segment.write().unwrap();
        assert!(is_busy(view.read().unwrap_err()));
        drop(writer);
        let reader = view.read().unwrap();
        assert!(is_busy(segment.write().unwrap_err()));
        drop((reader, view));
        segment.write().unwrap().fill(1);
    }

    #[test]
    fn no_process_can_change_its_size_or_write_to_it() {
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
    fn files_that_are_no_sealed_memory_of_that_size_are_refused() {
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
            why(SegmentView::open(0, 0, 4096).map(Arc::new)),
            "there is no such descriptor"
        );
    }
}
