//! Ids of workers, tasks and other things, and keys of functions and shares.

use std::fmt;
use std::num::NonZeroU64;

/// One worker process. Counts up from 1 and is never reused, so it can be shown to people.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct WorkerId(NonZeroU64);

impl WorkerId {
    pub(crate) const FIRST: Self = Self(NonZeroU64::MIN);

    /// The id after this one. 2^64 workers are not reached by any machine.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The id as a number, for logs and for the wire.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0.get()
    }

    /// The id that [`as_u64`](Self::as_u64) gave. A number that it never gave names no worker.
    #[must_use]
    pub fn from_u64(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One accepted task.
///
/// A place in a table and the generation of that place. It is never reused: an id that outlives its task names nothing, and
/// every input ignores it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TaskId(u64);

impl TaskId {
    pub(crate) fn from_parts(key: u32, generation: u32) -> Self {
        Self(u64::from(generation) << 32 | u64::from(key))
    }

    #[inline]
    pub(crate) fn key(self) -> usize {
        (self.0 & u64::from(u32::MAX)) as usize
    }

    #[inline]
    pub(crate) fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The id as a number, for logs and for the wire.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The id that [`as_u64`](Self::as_u64) gave. A number that it never gave, such as one that a worker made up, names no
    /// task.
    #[must_use]
    pub fn from_u64(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Room in the queue for which a caller asked. Counts up and is never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ReservationId(u64);

impl ReservationId {
    pub(crate) fn from_u64(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for ReservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A caller that waits until the pool has all workers. Counts up and is never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct WarmUpId(u64);

impl WarmUpId {
    pub(crate) fn from_u64(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for WarmUpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something that every worker is to run once. Counts up and is never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BroadcastId(u64);

impl BroadcastId {
    pub(crate) fn from_u64(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for BroadcastId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A function, as far as run times go: tasks with the same key are expected to run about equally long.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FunctionKey(pub u64);

/// A share of a level: the tasks that have workers for as long as the tasks of each other share.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ShareKey(NonZeroU64);

impl ShareKey {
    /// From a hash of the program's own key. Two keys with the same hash are one share.
    #[must_use]
    pub const fn from_hash(hash: u64) -> Self {
        Self(nonzero(hash))
    }
}

/// A key of tasks that run faster on the worker that had the same key last, such as the name of what that has cached.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct AffinityKey(NonZeroU64);

impl AffinityKey {
    /// From a hash of the program's own key. Two keys with the same hash prefer the same worker.
    #[must_use]
    pub const fn from_hash(hash: u64) -> Self {
        Self(nonzero(hash))
    }
}

/// Never zero, so that an absent key takes no memory.
const fn nonzero(hash: u64) -> NonZeroU64 {
    match NonZeroU64::new(hash) {
        Some(hash) => hash,
        None => NonZeroU64::MAX,
    }
}
