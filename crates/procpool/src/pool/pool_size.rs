//! The least and the greatest number of workers.

use std::ops::{RangeInclusive, RangeToInclusive};

/// The least and the greatest number of workers of a pool, for
/// [`ProcessPool::resize`](crate::ProcessPool::resize).
///
/// Convert it from `4` (exactly 4 workers), `2..=8` (at least 2, at most 8) or `..=8` (as many as
/// there is work for, at most 8).
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
    /// Linux gives no process id above this (`pid_max` in `proc_sys_kernel(5)`), so a greater number is a mistake.
    pub(crate) const MOST: usize = 4_194_304;

    /// Returns the number of workers that the pool keeps even if there is nothing to do.
    #[must_use]
    pub fn min(&self) -> usize {
        self.min
    }

    /// Returns the greatest number of workers that run tasks at the same time.
    #[must_use]
    pub fn max(&self) -> usize {
        self.max
    }

    pub(crate) fn new(min: usize, max: usize) -> Self {
        PoolSize { min, max }
    }

    /// Returns whether a pool can have this size.
    pub(crate) fn is_possible(&self) -> bool {
        (1..=Self::MOST).contains(&self.max) && self.min <= self.max
    }
}

/// Exactly `count` workers.
impl From<usize> for PoolSize {
    fn from(count: usize) -> Self {
        PoolSize::new(count, count)
    }
}

/// At least `start` and at most `end` workers.
impl From<RangeInclusive<usize>> for PoolSize {
    fn from(range: RangeInclusive<usize>) -> Self {
        PoolSize::new(*range.start(), *range.end())
    }
}

/// At most `end` workers, and none while there is no work.
impl From<RangeToInclusive<usize>> for PoolSize {
    fn from(range: RangeToInclusive<usize>) -> Self {
        PoolSize::new(0, range.end)
    }
}
