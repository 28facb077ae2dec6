//! How many workers a pool has.

use std::ops::{RangeInclusive, RangeToInclusive};

/// How many workers a pool has at least and at most, for [`ProcessPool::resize`](crate::ProcessPool::resize).
///
/// Made from a number (exactly so many), from `2..=8` (at least 2, at most 8), or from `..=8` (as many
/// as there is work for, at most 8).
///
/// ```
/// use procpool::PoolSize;
///
/// let size = PoolSize::from(2..=8);
/// assert_eq!((size.min(), size.max()), (2, 8));
/// assert_eq!(PoolSize::from(4), PoolSize::from(4..=4));
/// assert_eq!(PoolSize::from(..=4).min(), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PoolSize {
    min: usize,
    max: usize,
}

impl PoolSize {
    /// Linux gives no higher process id than this (`proc(5)`, `pid_max`), so that more workers are a mistake.
    pub(crate) const MOST: usize = 4_194_304;

    /// Workers that are kept even if there is nothing to do.
    #[must_use]
    pub fn min(&self) -> usize {
        self.min
    }

    /// The most workers that run tasks at one moment.
    #[must_use]
    pub fn max(&self) -> usize {
        self.max
    }

    pub(crate) fn new(min: usize, max: usize) -> Self {
        PoolSize { min, max }
    }

    /// Whether a pool can be so large.
    pub(crate) fn is_possible(&self) -> bool {
        (1..=Self::MOST).contains(&self.max) && self.min <= self.max
    }
}

/// Exactly so many workers.
impl From<usize> for PoolSize {
    fn from(count: usize) -> Self {
        PoolSize::new(count, count)
    }
}

/// So many workers at least and at most.
impl From<RangeInclusive<usize>> for PoolSize {
    fn from(range: RangeInclusive<usize>) -> Self {
        PoolSize::new(*range.start(), *range.end())
    }
}

/// So many workers at most, and none that there is no work for.
impl From<RangeToInclusive<usize>> for PoolSize {
    fn from(range: RangeToInclusive<usize>) -> Self {
        PoolSize::new(0, range.end)
    }
}
