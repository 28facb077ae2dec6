//! The constants of the worker that decide how fast it is, each with its reason.
//!
//! `docs/performance.md` has the measurements.

use std::time::Duration;

/// A result whose function ran for this long is written to the socket at once: 20 µs. The system call takes a small
/// part of that.
pub(crate) const WORTH_A_WRITE: Duration = Duration::from_micros(20);

/// The longest time for which a result is held back while others are added to it: 50 µs. The caller of a longer
/// function would not notice it, and one system call then carries many results of shorter ones.
pub(crate) const HELD_BACK: Duration = Duration::from_micros(50);

/// The most results of items between two readings of the clock. For the shortest items a reading takes longer than all
/// else, and 256 of them are still within [`HELD_BACK`].
pub(crate) const MAX_UNTIMED_RESULTS: u32 = 256;

/// The result buffer of items is given back after an item for which it has grown past this: 64 KiB. An idle worker
/// keeps no more than that.
pub(crate) const KEPT_ITEM_CAPACITY: usize = 64 << 10;

/// The first read from the socket takes this much: 1 KiB, which the first message hardly ever exceeds. A larger buffer
/// would have to be zeroed, page by fresh page, and all but the first byte may come with a later read as well.
pub(crate) const FIRST_READ: usize = 1 << 10;

/// The worker reads its memory use at most this often, since that takes some microseconds: every 10 ms.
pub(crate) const MEMORY_CHECK_INTERVAL: Duration = Duration::from_millis(10);

/// A result waits this long for a thread of the parent that spins to take it from shared memory: 10 µs. The parent
/// spins for at least that long.
pub(crate) const HELD_FOR_SPINNING_PARENT: Duration = Duration::from_micros(10);

/// A result of up to this size extends the spin: 160 KiB. To copy a larger one takes longer than the wake-up that a
/// spin saves.
pub(crate) const MAX_SPIN_RESULT: usize = 160 << 10;

/// The spin takes a microsecond longer for this many bytes of the last result: 2 KiB. The parent copies 4 KiB in a
/// microsecond, and as many of the arguments that it sends next.
pub(crate) const SPIN_BYTES_PER_MICRO: usize = 2 << 10;

/// Two looks of a spinning worker are some nanoseconds apart. If they are further apart than this, another thread had
/// the processor: 20 µs.
pub(crate) const PREEMPTED: Duration = Duration::from_micros(20);

/// The most waits without a spin after a spin that did not help. A change of the load is noticed after that many tasks.
pub(crate) const MAX_SKIPPED_SPINS: u32 = 64;

/// The fewest waits without a spin after one that was preempted, however many spins have helped before.
pub(crate) const MIN_SKIPPED_AFTER_PREEMPTION: u32 = 4;
