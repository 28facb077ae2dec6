//! The memory of the control page, and its words outside of the slots.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};

use crate::control::progress::Progress;
use crate::control::slot::Slot;
use crate::image::Image;
use crate::image::call_key::KEY_WORDS;
use crate::spool::{PageSpool, SpoolWriter};

/// The memory that the parent and one worker share.
///
/// Dropping it unmaps the memory in this process. The memory is freed when the other process has unmapped it and the
/// descriptor is closed.
#[derive(Debug)]
pub struct ControlPage {
    shared: NonNull<Shared>,
    /// This value has given its writer of the spool.
    has_spool_writer: AtomicBool,
}

// SAFETY: the pointer is to a mapping that this value owns and that has no tie to a thread.
unsafe impl Send for ControlPage {}
// SAFETY: all access goes through `&Shared`, which consists of atomic words only.
unsafe impl Sync for ControlPage {}

/// The layout of the page. Zeroed memory, as a memfd starts out, is its valid initial state.
#[repr(C)]
pub(crate) struct Shared {
    pub(crate) slots: [Slot<AtomicU64>; ControlPage::SLOTS],
    /// The dispatch id plus one of the run that is asked to stop; zero for none.
    pub(crate) cancel: Line,
    /// The doorbell: how often the parent has written to the socket.
    rings: Line,
    /// Not zero while the worker spins, that is, polls the doorbell.
    spinning: Line,
    /// Nanoseconds for which the worker may spin.
    spin_limit: Line,
    /// Not zero while a thread of the parent polls the spool for results.
    awaited: Line,
    /// Up to which position the parent has received the worker's stream, from the socket or from the spool.
    taken: Line,
    pub(crate) progress: Progress<AtomicU64>,
    /// The random words of the parent's [`CallKey`](crate::image::call_key::CallKey). The worker copies them.
    call_key: [AtomicU64; KEY_WORDS],
    spool: PageSpool,
}

/// A word alone in its cache line, since the other process may poll it.
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) AtomicU64);

impl ControlPage {
    /// How many dispatches may be offered to a worker at once.
    pub const SLOTS: usize = 512;

    pub(crate) const BYTES: usize = size_of::<Shared>();
    pub(crate) const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

    /// The parent: makes a page, and the descriptor by which the worker can attach to it.
    ///
    /// The descriptor is close-on-exec. The parent sends it over the worker's socket.
    ///
    /// # Errors
    ///
    /// The kernel's error: out of descriptors or memory.
    ///
    /// ```
    /// use procpool_os::ControlPage;
    ///
    /// let (parent, descriptor) = ControlPage::create()?;
    /// let worker = ControlPage::attach(descriptor)?;
    /// parent.offer(0, 7);
    /// parent.offer(1, 8);
    /// assert!(worker.claim(0, 7) && !parent.revoke(0, 7)); // the worker was first
    /// assert!(parent.revoke(1, 8) && !worker.claim(1, 8)); // the parent was first
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn create() -> io::Result<(ControlPage, OwnedFd)> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let memory =
            match rustix::fs::memfd_create(c"procpool-control", flags | MemfdFlags::NOEXEC_SEAL) {
                // Before Linux 6.3 there is no such flag.
                Err(rustix::io::Errno::INVAL) => {
                    rustix::fs::memfd_create(c"procpool-control", flags)?
                }
                created => created?,
            };
        // With all of its pages now: one that can't be allocated on a later access ends the process (`SIGBUS`).
        rustix::fs::fallocate(&memory, FallocateFlags::empty(), 0, Self::BYTES as u64)?;
        rustix::fs::fcntl_add_seals(&memory, Self::SEALS | SealFlags::SEAL)?;
        let page = ControlPage::map(&memory)?;
        page.store_call_key(Image::current().map_err(io::Error::other)?.key_material());
        Ok((page, memory))
    }

    /// The worker: maps the page that the parent made.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] if the descriptor is not a sealed memfd of the page's size with all of
    /// its memory allocated; otherwise the kernel's error.
    pub fn attach(descriptor: OwnedFd) -> io::Result<ControlPage> {
        let invalid = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let seals = rustix::fs::fcntl_get_seals(&descriptor)
            .map_err(|_| invalid("the control page is not a memory file"))?;
        if !seals.contains(Self::SEALS) {
            return Err(invalid("the control page is not sealed at its size"));
        }
        let status = rustix::fs::fstat(&descriptor)?;
        if status.st_size != Self::BYTES as i64 {
            return Err(invalid("the control page has the wrong size"));
        }
        if status.st_blocks.saturating_mul(512) < Self::BYTES as i64 {
            return Err(invalid("the control page has holes"));
        }
        ControlPage::map(&descriptor)
    }

    fn map(memory: impl AsFd) -> io::Result<ControlPage> {
        // SAFETY: the kernel picks the place, so no other mapping is touched.
        let address = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                Self::BYTES,
                ProtFlags::READ | ProtFlags::WRITE,
                // Not populated: a worker with few results touches one page of the spool, and mapping
                // all of them would be a good part of its start.
                MapFlags::SHARED,
                memory,
                0,
            )
        }?;
        let shared = NonNull::new(address.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(ControlPage {
            shared,
            has_spool_writer: AtomicBool::new(false),
        })
    }

    fn store_call_key(&self, key: [u64; KEY_WORDS]) {
        for (word, value) in self.shared().call_key.iter().zip(key) {
            word.store(value, Ordering::Relaxed);
        }
    }

    /// The key material of the process that made the page.
    pub(crate) fn call_key(&self) -> [u64; KEY_WORDS] {
        let words = &self.shared().call_key;
        std::array::from_fn(|index| words[index].load(Ordering::Relaxed))
    }

    pub(crate) fn shared(&self) -> &Shared {
        // SAFETY: the mapping is `BYTES` long, page-aligned, and there until this value is dropped;
        // the file is sealed at that size; `Shared` is atomic words, valid for any bits, and the
        // other process accesses them atomically as well.
        unsafe { self.shared.as_ref() }
    }
}

/// Spinning: the worker polls the doorbell instead of sleeping in a system call, and a caller polls the spool.
impl ControlPage {
    /// The parent: tells a spinning worker that it has written to the socket.
    #[inline]
    pub fn ring(&self) {
        self.shared().rings.0.fetch_add(1, Ordering::Release);
    }

    /// The worker: how often the parent has rung. It has written to the socket before each time.
    #[must_use]
    pub fn rings(&self) -> u64 {
        self.shared().rings.0.load(Ordering::Acquire)
    }

    /// The parent: sets for how long the worker may spin when it has no task, up to 584 years. It is zero at first.
    #[inline]
    pub fn set_spin_limit(&self, limit: Duration) {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        self.shared().spin_limit.0.store(nanos, Ordering::Relaxed);
    }

    /// The worker: for how long it may spin.
    #[must_use]
    pub fn spin_limit(&self) -> Duration {
        Duration::from_nanos(self.shared().spin_limit.0.load(Ordering::Relaxed))
    }

    /// The worker: reports whether it spins.
    pub fn set_spinning(&self, is_spinning: bool) {
        let word = u64::from(is_spinning);
        self.shared().spinning.0.store(word, Ordering::Relaxed);
    }

    /// The parent: whether the worker spins, as it reports. One load from memory.
    #[must_use]
    #[inline]
    pub fn is_spinning(&self) -> bool {
        self.shared().spinning.0.load(Ordering::Relaxed) != 0
    }

    /// The parent: reports whether one of its threads polls the spool for the next result. Then the worker may
    /// delay the system call that writes the result to the socket.
    #[inline]
    pub fn set_awaited(&self, is_awaited: bool) {
        let awaited = &self.shared().awaited.0;
        // The worker polls this cache line, and in most cases nothing changes.
        if awaited.load(Ordering::Relaxed) != u64::from(is_awaited) {
            awaited.store(is_awaited.into(), Ordering::Relaxed);
        }
    }

    /// The worker: whether a thread of the parent polls the spool. One load from memory.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.shared().awaited.0.load(Ordering::Relaxed) != 0
    }
}

/// The part of the worker's event stream that is not in the socket yet.
impl ControlPage {
    /// The parent: reports up to which position it has received the worker's stream.
    #[inline]
    pub fn set_taken(&self, position: u64) {
        self.shared().taken.0.store(position, Ordering::Relaxed);
    }

    /// The worker: up to which position the parent has received its stream. One load from memory.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.shared().taken.0.load(Ordering::Relaxed)
    }

    /// The worker: the writer of the spool. Only the first call returns one.
    pub fn spool_writer(&self) -> Option<SpoolWriter<'_>> {
        let is_first = !self.has_spool_writer.swap(true, Ordering::Relaxed);
        is_first.then(|| SpoolWriter::new(&self.shared().spool))
    }

    /// The parent: appends the part of the worker's stream that follows this position, if it is in the spool and not
    /// in the socket. False if there is none.
    ///
    /// It appends 64 KiB at most. The bytes are as untrusted as bytes from the socket.
    ///
    /// ```
    /// use procpool_os::{ControlPage, socket};
    ///
    /// let (parent, descriptor) = ControlPage::create()?;
    /// let worker = ControlPage::attach(descriptor)?;
    /// let mut spool = worker.spool_writer().unwrap();
    /// assert!(spool.push(&[b"never ", b"sent"]));
    /// let mut rest = Vec::new();
    /// assert!(parent.read_spool(0, &mut rest));
    /// assert_eq!(rest, b"never sent");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn read_spool(&self, position: u64, out: &mut Vec<u8>) -> bool {
        self.shared().spool.read(position, out)
    }

    /// The parent: the position at which the worker's stream ends, as the worker reports. One load from memory.
    #[must_use]
    #[inline]
    pub fn spool_head(&self) -> u64 {
        self.shared().spool.head()
    }
}

impl Drop for ControlPage {
    fn drop(&mut self) {
        // SAFETY: this value owns the mapping, and no reference into it outlives the value.
        let unmapped = unsafe { rustix::mm::munmap(self.shared.as_ptr().cast(), Self::BYTES) };
        debug_assert_eq!(unmapped, Ok(()));
    }
}
