//! The size of a map's chunks.

use std::time::Duration;

/// The time that a chunk should take: long compared with the 20 µs or so that sending a chunk costs,
/// short enough that a user notices no delay.
const TARGET: Duration = Duration::from_millis(1);

/// A chunk may be this many times as large as the largest one measured.
const GROWTH: usize = 4;

/// Chunks are made smaller near the end, so that the workers finish together, but not below this part
/// of [`TARGET`]. An idle worker takes over half of such a chunk faster than a new one is sent.
const LEAST_PART: usize = 4;

/// The weight of a new measurement in the moving average.
const WEIGHT: f64 = 0.3;

/// Chooses the size of each chunk from the measured duration of earlier ones.
#[derive(Debug)]
pub(super) struct Sizer {
    /// The size that the user chose.
    fixed: Option<usize>,
    /// The average nanoseconds for each item.
    each: Option<f64>,
    /// The greatest allowed size.
    most: usize,
}

impl Sizer {
    pub(super) fn new() -> Self {
        Sizer {
            fixed: None,
            each: None,
            most: 1,
        }
    }

    pub(super) fn fix(&mut self, items: usize) {
        self.fixed = Some(items);
    }

    /// Records that a worker ran `items` items in `time`.
    pub(super) fn record(&mut self, items: u32, time: Duration) {
        if items == 0 {
            return;
        }
        let each = time.as_nanos() as f64 / f64::from(items);
        self.each = Some(match self.each {
            None => each,
            Some(before) => before + (each - before) * WEIGHT,
        });
        let items = items as usize;
        self.most = self.most.max(items.saturating_mul(GROWTH));
    }

    /// Returns the size of the next chunk, at least 1, for a pool of `workers` workers. `left` is the
    /// number of remaining items, if it is known.
    pub(super) fn next(&self, workers: usize, left: Option<usize>) -> usize {
        if let Some(fixed) = self.fixed {
            return fixed;
        }
        let Some(each) = self.each else {
            return 1;
        };
        // A float-to-integer cast saturates.
        let fits = (TARGET.as_nanos() as f64 / each.max(1.0)) as usize;
        // Near the end the chunks shrink, so that the workers finish together.
        let share = left.map_or(usize::MAX, |left| left.div_ceil(2 * workers.max(1)));
        fits.min(self.most).min(share.max(fits / LEAST_PART)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_grow_from_one_to_a_millisecond() {
        let mut sizer = Sizer::new();
        let mut sizes = Vec::new();
        for _ in 0..8 {
            let size = sizer.next(2, None);
            sizes.push(size);
            sizer.record(size as u32, Duration::from_micros(1) * size as u32);
        }
        assert_eq!(sizes, [1, 4, 16, 64, 256, 1000, 1000, 1000]);
    }

    #[test]
    fn long_items_are_sent_one_by_one() {
        let mut sizer = Sizer::new();
        sizer.record(1, Duration::from_micros(1));
        assert_eq!(sizer.next(2, None), 4);
        sizer.record(4, Duration::from_secs(1));
        assert_eq!(sizer.next(2, None), 1);
    }

    #[test]
    fn near_the_end_every_worker_gets_some_items() {
        let mut sizer = Sizer::new();
        sizer.record(1_000, Duration::from_millis(10));
        assert_eq!(sizer.next(2, Some(320)), 80);
        assert_eq!(sizer.next(2, Some(100)), 25);
        assert_eq!(sizer.next(2, Some(3)), 25);
        assert_eq!(sizer.next(2, Some(0)), 25);
        sizer.record(10, Duration::from_secs(1));
        assert_eq!(sizer.next(2, Some(100)), 1);
    }

    #[test]
    fn the_users_chunk_size_is_kept() {
        let mut sizer = Sizer::new();
        sizer.fix(7);
        sizer.record(1, Duration::from_secs(1));
        assert_eq!(sizer.next(2, Some(1)), 7);
    }

    #[test]
    fn extreme_measurements_give_usable_sizes() {
        let mut sizer = Sizer::new();
        sizer.record(0, Duration::MAX);
        assert_eq!(sizer.next(1, None), 1);
        sizer.record(u32::MAX, Duration::ZERO);
        assert!(sizer.next(1, None) >= 1_000_000);
        sizer.record(1, Duration::MAX);
        assert_eq!(sizer.next(0, None), 1);
    }
}
