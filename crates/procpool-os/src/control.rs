//! The control page: memory that the parent and one worker share, for what must cost no system call.
//!
//! On it the worker *claims* each task before it starts it, and the parent *revokes* what it has
//! sent ahead. A cancel request and progress counters live there too.
//!
//! # The claim protocol
//!
//! A slot is one atomic word: a ticket, which names one dispatch and is never used twice, and a
//! state. The parent writes `OFFERED` and then sends the task's frame. After that there are two
//! moves, both by compare-and-swap from exactly `(ticket, OFFERED)`:
//!
//! ```text
//!   FREE ──offer──▶ OFFERED ──claim (worker)──▶ CLAIMED ──finish (worker)──▶ FINISHED
//!                      └─────revoke (parent)──▶ REVOKED       then the next offer reuses the slot
//! ```
//!
//! From claimed to finished, which the worker stores before it writes the result, the run's clock
//! counts. The worker may restart it: it then counts from there on.
//!
//! - *At most one wins.* Read-modify-write operations on one word have a single order. The first of
//!   the two swaps changes the state, and nothing leads back to `(ticket, OFFERED)`, because only an
//!   offer writes that state and no other offer has this ticket. So the second swap fails.
//! - *A revoked task never runs, and a dead worker's unclaimed task never ran.* The worker runs a
//!   task only after its own swap succeeded. When [`revoke`](ControlPage::revoke) says `true`, that
//!   can't happen any more, also if the worker is killed and the parent runs the task elsewhere.
//! - *At least one wins* if both try, since only the two of them move the slot on. The parent offers
//!   a slot again only after its task was finished or revoked.
//! - *Orderings.* The offer is a release store and the swaps acquire, so a claimer sees what the
//!   parent wrote before the offer. The start time is written before the claiming swap, which
//!   releases it, so who sees `CLAIMED` sees the start, or a later one that the same run was given by
//!   a restart. It is read between two looks at the state.
//!   A write for a *later* ticket comes after its claimer saw the later offer, and is a release; if
//!   the reader got that value, its second look sees the later offer and it gives the value up.
//!   Relaxed is enough where a swap fails: nothing is read after it.
//!
//! The unit tests run these very lines under loom, a model checker that tries every interleaving and
//! every value that the orderings allow.
//!
//! # Trust
//!
//! The worker runs users' code and may scribble over the page. So the parent treats each word as
//! untrusted: every bit pattern means something, nothing on the page is a size, an index or a
//! pointer, and the worst that a worker does by lies is to spoil its own tasks. Seals keep the file
//! at its size and its pages are allocated when it is made, so no access hits a missing page (`SIGBUS`).

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};

use crate::call_key::KEY_WORDS;
use crate::image::Image;
use crate::progress::Progress;
use crate::slot::Slot;
use crate::spool::PageSpool;
use crate::spool_writer::SpoolWriter;
use crate::standing::Standing;

/// The memory that the parent and one worker share.
///
/// Dropping it unmaps it here; the memory itself goes when the other side and the descriptor are
/// gone too.
#[derive(Debug)]
pub struct ControlPage {
    shared: NonNull<Shared>,
    /// This side writes to the spool.
    spools: AtomicBool,
}

// SAFETY: the pointer is to a mapping that this value owns and that has no tie to a thread.
unsafe impl Send for ControlPage {}
// SAFETY: all access goes through `&Shared`, which consists of atomic words only.
unsafe impl Sync for ControlPage {}

/// What is on the page. Zeroed memory, as a memfd starts out, is its valid initial state.
#[repr(C)]
struct Shared {
    slots: [Slot<AtomicU64>; ControlPage::SLOTS],
    /// The ticket plus one of the run that is asked to stop; zero for none.
    cancel: Line,
    /// How often the parent has written to the socket.
    bell: Line,
    /// Not zero while the worker listens for the bell.
    listening: Line,
    /// Nanoseconds for which the worker may listen for the bell.
    listens: Line,
    /// Not zero while someone is awake in the parent who takes results from the spool.
    awaited: Line,
    /// How much of the worker's stream the parent has, from the socket or from the spool.
    taken: Line,
    progress: Progress<AtomicU64>,
    /// The parent's [`CallKey`](crate::call_key::CallKey), from which the worker makes its own copy.
    call_key: [AtomicU64; KEY_WORDS],
    spool: PageSpool,
}

/// A word alone in its cache line, since the other side may look at it all the time.
#[repr(C, align(64))]
struct Line(AtomicU64);

impl ControlPage {
    /// As many tasks may be offered to a worker at once.
    pub const SLOTS: usize = 512;

    const BYTES: usize = size_of::<Shared>();
    const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

    /// The parent: makes a page, and the descriptor by which the worker can attach to it.
    ///
    /// The descriptor is close-on-exec; it is to be passed over the worker's socket.
    ///
    /// # Errors
    ///
    /// What the kernel says: out of descriptors or memory.
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
            spools: AtomicBool::new(false),
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

    fn shared(&self) -> &Shared {
        // SAFETY: the mapping is `BYTES` long, page-aligned, and there until this value is dropped;
        // the file is sealed at that size; `Shared` is atomic words, valid for any bits, and the
        // other process accesses them atomically as well.
        unsafe { self.shared.as_ref() }
    }
}

/// The claims.
impl ControlPage {
    /// The parent: offers `ticket` in `slot`. To be called before the task's frame is sent.
    ///
    /// The slot must not hold a live offer: its last ticket was finished or revoked. If there is
    /// no such slot, or the ticket is not below 2^62, nothing is offered, and nothing can be claimed.
    #[inline]
    pub fn offer(&self, slot: usize, ticket: u64) {
        if let Some(slot) = self.slot(slot) {
            slot.offer(ticket);
        }
    }

    /// The worker: claims `ticket`, right before it starts the task, and notes the time.
    ///
    /// False if the parent has revoked it, or offers something else in that slot: the task must not
    /// run.
    #[must_use]
    pub fn claim(&self, slot: usize, ticket: u64) -> bool {
        self.claim_at(slot, ticket, monotonic_now())
    }

    /// As [`claim`](ControlPage::claim), for a worker that knows the time: its run starts `now` on the
    /// clock of [`monotonic_now`].
    #[must_use]
    pub fn claim_at(&self, slot: usize, ticket: u64, now: Duration) -> bool {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.slot(slot).is_some_and(|slot| slot.claim(ticket, now))
    }

    /// The parent: takes back an offer. True: the task has not begun and never will.
    #[must_use]
    pub fn revoke(&self, slot: usize, ticket: u64) -> bool {
        self.slot(slot).is_some_and(|slot| slot.revoke(ticket))
    }

    /// The worker: the run of `ticket`, which it has claimed, counts from this moment on.
    ///
    /// A time limit on it then is one on what is still to come.
    pub fn restart(&self, slot: usize, ticket: u64) {
        if let Some(slot) = self.slot(slot) {
            slot.restart(ticket, monotonic_nanoseconds());
        }
    }

    /// The worker: the run of `ticket`, which it has claimed, is over. To be called before its result
    /// is written, so that nobody counts that time too.
    pub fn finish(&self, slot: usize, ticket: u64) {
        if let Some(slot) = self.slot(slot) {
            slot.finish(ticket);
        }
    }

    /// How far the worker says that it has come with `ticket`. Also [`Standing::Unclaimed`] if the slot
    /// has been offered again since.
    ///
    /// ```
    /// use procpool_os::{ControlPage, Standing};
    ///
    /// let (parent, descriptor) = ControlPage::create()?;
    /// let worker = ControlPage::attach(descriptor)?;
    /// parent.offer(0, 7);
    /// assert_eq!(parent.standing(0, 7), Standing::Unclaimed);
    /// assert!(worker.claim(0, 7));
    /// assert!(matches!(parent.standing(0, 7), Standing::Running { .. }));
    /// worker.finish(0, 7);
    /// assert_eq!(parent.standing(0, 7), Standing::Finished);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn standing(&self, slot: usize, ticket: u64) -> Standing {
        self.slot(slot)
            .map_or(Standing::Unclaimed, |slot| slot.standing(ticket))
    }

    pub(crate) fn slot(&self, slot: usize) -> Option<&Slot<AtomicU64>> {
        self.shared().slots.get(slot)
    }
}

/// What a running task is told and tells.
impl ControlPage {
    /// The parent: asks the run of `ticket` to stop. It replaces a request for another ticket, as a
    /// worker runs one task at a time.
    pub fn request_cancel(&self, ticket: u64) {
        let word = ticket.wrapping_add(1);
        self.shared().cancel.0.store(word, Ordering::Release);
    }

    /// The worker: whether the run of `ticket` is asked to stop. One load from memory.
    #[must_use]
    pub fn is_cancel_requested(&self, ticket: u64) -> bool {
        self.shared().cancel.0.load(Ordering::Acquire) == ticket.wrapping_add(1)
    }

    /// The worker: says how far the run of `ticket` has got.
    ///
    /// Never waits: of two calls at the same time from two threads, one has no effect.
    pub fn set_progress(&self, ticket: u64, done: u64, total: u64) {
        self.shared().progress.set(ticket, done, total);
    }

    /// The parent: what the run of `ticket` last told of its progress, `(done, total)`.
    ///
    /// `None` if it has told nothing yet, or was stopped in the middle of telling it.
    #[must_use]
    pub fn progress(&self, ticket: u64) -> Option<(u64, u64)> {
        self.shared().progress.of(ticket)
    }
}

/// What wakes a worker that does not sleep.
impl ControlPage {
    /// The parent: tells a worker that listens that there is something in its socket.
    #[inline]
    pub fn ring(&self) {
        self.shared().bell.0.fetch_add(1, Ordering::Release);
    }

    /// The worker: how often the parent has rung. It has written to the socket before each.
    #[must_use]
    pub fn rings(&self) -> u64 {
        self.shared().bell.0.load(Ordering::Acquire)
    }

    /// The parent: for how long the worker may listen for the bell, instead of sleeping, when it has
    /// nothing to do. Zero to begin with, and 584 years at most.
    #[inline]
    pub fn let_listen(&self, limit: Duration) {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        self.shared().listens.0.store(nanos, Ordering::Relaxed);
    }

    /// The worker: says whether it listens for the bell, from now on.
    pub fn set_listening(&self, is_listening: bool) {
        let word = u64::from(is_listening);
        self.shared().listening.0.store(word, Ordering::Relaxed);
    }

    /// The parent: whether the worker listens, as it says. One load from memory.
    #[must_use]
    #[inline]
    pub fn is_listening(&self) -> bool {
        self.shared().listening.0.load(Ordering::Relaxed) != 0
    }

    /// The worker: for how long it may.
    #[must_use]
    pub fn may_listen(&self) -> Duration {
        Duration::from_nanos(self.shared().listens.0.load(Ordering::Relaxed))
    }
}

/// The worker's event stream, as far as the socket does not have it.
impl ControlPage {
    /// The parent: whether someone is awake who looks for the next result in the spool, so that the worker may
    /// wait a moment before it writes that to the socket.
    #[inline]
    pub fn set_awaited(&self, is_awaited: bool) {
        let awaited = &self.shared().awaited.0;
        // The worker looks at it all the time, and mostly nothing changes.
        if awaited.load(Ordering::Relaxed) != u64::from(is_awaited) {
            awaited.store(is_awaited.into(), Ordering::Relaxed);
        }
    }

    /// The worker: whether someone is. One load from memory.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.shared().awaited.0.load(Ordering::Relaxed) != 0
    }

    /// The parent: it has the worker's stream up to this position.
    #[inline]
    pub fn set_taken(&self, position: u64) {
        self.shared().taken.0.store(position, Ordering::Relaxed);
    }

    /// The worker: up to which position the parent has its stream. One load from memory.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.shared().taken.0.load(Ordering::Relaxed)
    }

    /// The worker: the writer of the spool, for the first who asks.
    pub fn spool_writer(&self) -> Option<SpoolWriter<'_>> {
        let is_first = !self.spools.swap(true, Ordering::Relaxed);
        is_first.then(|| SpoolWriter::new(&self.shared().spool))
    }

    /// The parent: appends what follows on this position of the worker's stream, if that is not in the
    /// socket but here. False if there is nothing.
    ///
    /// What is appended, 64 KiB at most, is to be trusted as little as what comes from the socket.
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

    /// The parent: where the worker says that its stream ends. One load from memory.
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

/// The time since boot on the clock of [`Standing::Running`], the same in every process.
#[must_use]
pub fn monotonic_now() -> Duration {
    Duration::from_nanos(monotonic_nanoseconds())
}

fn monotonic_nanoseconds() -> u64 {
    let mut now = MaybeUninit::uninit();
    // By way of libc and not of rustix, which looks for the fast clock by itself when it is first asked: a
    // good part of what a worker's first task takes.
    // SAFETY: the pointer is to a local of the right type.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr()) };
    assert_eq!(answer, 0, "every Linux has this clock");
    // SAFETY: the call succeeded, so it has written the time.
    let now: libc::timespec = unsafe { now.assume_init() };
    // 64 bits of nanoseconds are 584 years.
    (now.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(now.tv_nsec as u64)
}

#[cfg(test)]
mod tests;
