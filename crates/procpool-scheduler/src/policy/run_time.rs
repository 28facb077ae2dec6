//! Estimates of how long functions run.

use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::id::FunctionKey;
use crate::policy::tuning::{LONGER_RUN, SHORTER_RUN};

/// Nanoseconds that a task is expected to take, if anything is known.
pub(crate) type Expected = Option<u64>;

/// A weighted mean of the run times of each function. Runs that are longer than expected weigh more.
#[derive(Debug, Default)]
pub(crate) struct RunTimes {
    /// Keys are the program's own addresses, so the hash need not withstand attacks.
    known: FxHashMap<FunctionKey, u32>,
    means: Vec<Option<u64>>,
}

/// The place of a function's estimate, so that it is looked up once a task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FunctionIndex(u32);

impl RunTimes {
    #[inline]
    pub(crate) fn index(&mut self, function: FunctionKey) -> FunctionIndex {
        let means = &mut self.means;
        FunctionIndex(*self.known.entry(function).or_insert_with(|| {
            // No executable has 4 billion functions.
            let index = u32::try_from(means.len()).unwrap_or(u32::MAX);
            means.push(None);
            index
        }))
    }

    /// In nanoseconds. `None`: it never finished.
    #[inline]
    pub(crate) fn expected(&self, function: FunctionIndex) -> Option<u64> {
        self.means[function.0 as usize]
    }

    /// Of so many runs, one after another; bounded so that the estimates of a full window can be summed.
    #[inline]
    pub(crate) fn expected_of(&self, function: FunctionIndex, items: u32) -> Option<u64> {
        let each = self.expected(function)?;
        Some(each.saturating_mul(items.max(1).into()).min(MOST))
    }

    #[inline]
    pub(crate) fn record(&mut self, function: FunctionIndex, ran: Duration) {
        let ran = nanos(ran);
        let mean = &mut self.means[function.0 as usize];
        *mean = Some(match *mean {
            None => ran,
            Some(mean) if ran > mean => mean + (ran - mean).div_ceil(LONGER_RUN),
            Some(mean) => mean - (mean - ran).div_ceil(SHORTER_RUN),
        });
    }
}

/// The duration in nanoseconds, bounded so that a full window of them can be summed.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).map_or(MOST, |nanos| nanos.min(MOST))
}

/// As many as the largest window of these can be summed.
const MOST: u64 = u64::MAX >> 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_run_outweighs_several_short_ones() {
        let mut run_times = RunTimes::default();
        let f = run_times.index(FunctionKey(7));
        assert_eq!(run_times.expected(f), None);
        run_times.record(f, Duration::from_nanos(1_000));
        run_times.record(f, Duration::from_millis(1));
        assert!(run_times.expected(f) >= Some(500_000));
        for _ in 0..4 {
            run_times.record(f, Duration::from_nanos(1_000));
        }
        assert!(run_times.expected(f) >= Some(200_000));
        for _ in 0..200 {
            run_times.record(f, Duration::from_nanos(1_000));
        }
        assert_eq!(run_times.expected(f), Some(1_000));
    }

    #[test]
    fn absurd_durations_can_be_summed() {
        let mut run_times = RunTimes::default();
        let f = run_times.index(FunctionKey(7));
        run_times.record(f, Duration::MAX);
        run_times.record(f, Duration::MAX);
        assert!(run_times.expected(f).unwrap().checked_mul(64).is_some());
    }
}
