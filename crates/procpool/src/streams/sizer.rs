//! How many items make a chunk.

use std::time::Duration;

/// How long a worker is to be busy with a chunk: long beside the 20 microseconds or so that a chunk
/// costs, short beside what anybody notices.
const TARGET: Duration = Duration::from_millis(1);

/// How many times as large as one that has been run a chunk may be, while it is not known better.
const GROWTH: usize = 4;

/// The part of a chunk of that length below which no chunk is made smaller for the sake of the others. Who
/// has nothing to do takes half of such a chunk in less time than it takes to send one.
const LEAST: usize = 4;

/// How much a new measurement counts against all before it.
const WEIGHT: f64 = 0.3;

/// Chooses the size of each chunk, from what those before it took.
#[derive(Debug)]
pub(super) struct Sizer {
    /// What the user chose.
    fixed: Option<usize>,
    /// Nanoseconds that an item takes.
    each: Option<f64>,
    /// The largest that a chunk may be.
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

    /// A worker has run so many items in that time.
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

    /// How many items the next chunk is to have, for so many workers, when so many are left, if that is
    /// known. At least one.
    pub(super) fn next(&self, workers: usize, left: Option<usize>) -> usize {
        if let Some(fixed) = self.fixed {
            return fixed;
        }
        let Some(each) = self.each else {
            return 1;
        };
        // A cast of what is too large gives the largest.
        let fits = (TARGET.as_nanos() as f64 / each.max(1.0)) as usize;
        // Towards the end each worker is to come to its end at the same time.
        let share = left.map_or(usize::MAX, |left| left.div_ceil(2 * workers.max(1)));
        fits.min(self.most).min(share.max(fits / LEAST)).max(1)
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
    fn what_takes_long_is_sent_one_by_one() {
        let mut sizer = Sizer::new();
        sizer.record(1, Duration::from_micros(1));
        assert_eq!(sizer.next(2, None), 4);
        sizer.record(4, Duration::from_secs(1));
        assert_eq!(sizer.next(2, None), 1);
    }

    #[test]
    fn towards_the_end_there_is_some_for_everyone() {
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
    fn what_was_chosen_is_kept() {
        let mut sizer = Sizer::new();
        sizer.fix(7);
        sizer.record(1, Duration::from_secs(1));
        assert_eq!(sizer.next(2, Some(1)), 7);
    }

    #[test]
    fn no_measurement_is_absurd() {
        let mut sizer = Sizer::new();
        sizer.record(0, Duration::MAX);
        assert_eq!(sizer.next(1, None), 1);
        sizer.record(u32::MAX, Duration::ZERO);
        assert!(sizer.next(1, None) >= 1_000_000);
        sizer.record(1, Duration::MAX);
        assert_eq!(sizer.next(0, None), 1);
    }
}
