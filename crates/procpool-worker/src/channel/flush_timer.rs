//! When the results of items are to be written to the socket.

use std::time::Duration;

use procpool_os::control::monotonic_now;

use crate::tuning::{HELD_BACK, MAX_UNTIMED_RESULTS, WORTH_A_WRITE};

/// Finds the moments at which to write, without a reading of the clock for each result.
///
/// For the shortest items a reading takes longer than all else. So the timer reads the clock after a number of results,
/// the stride, and adapts that to how long the last ones took.
#[derive(Debug)]
pub(crate) struct FlushTimer {
    written: Duration,
    read: Duration,
    /// The number of results from one reading of the clock to the next.
    stride: u32,
    until_reading: u32,
}

impl FlushTimer {
    pub(crate) fn new(started: Duration) -> Self {
        FlushTimer {
            written: started,
            read: started,
            stride: 1,
            until_reading: 1,
        }
    }

    /// Counts one more result, and tells whether those that have gathered are to be written now.
    #[inline]
    pub(crate) fn is_due(&mut self) -> bool {
        self.until_reading -= 1;
        self.until_reading == 0 && self.is_due_at(monotonic_now())
    }

    fn is_due_at(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.read);
        self.read = now;
        let each = passed / self.stride;
        self.stride = if passed < HELD_BACK / 8 {
            (self.stride * 2).min(MAX_UNTIMED_RESULTS)
        } else if passed > HELD_BACK / 2 {
            (self.stride / 4).max(1)
        } else {
            self.stride
        };
        self.until_reading = self.stride;
        let is_due = each >= WORTH_A_WRITE || now.saturating_sub(self.written) >= HELD_BACK;
        if is_due {
            self.written = now;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of writes of results that each take this long, and of readings of the clock.
    fn writes(each: Duration, results: u32) -> (u32, u32) {
        let (mut now, mut flush_timer) = (Duration::ZERO, FlushTimer::new(Duration::ZERO));
        let (mut writes, mut readings) = (0, 0);
        for _ in 0..results {
            now += each;
            flush_timer.until_reading -= 1;
            if flush_timer.until_reading == 0 {
                readings += 1;
                writes += u32::from(flush_timer.is_due_at(now));
            }
        }
        (writes, readings)
    }

    #[test]
    fn the_results_of_long_items_are_written_at_once() {
        assert_eq!(writes(Duration::from_micros(20), 100).0, 100);
        assert_eq!(writes(Duration::from_secs(1), 100).0, 100);
    }

    #[test]
    fn the_results_of_the_shortest_items_are_written_together_and_the_clock_is_rarely_read() {
        let (writes, readings) = writes(Duration::from_nanos(30), 100_000);
        // 3 ms in all.
        assert!((40..=60).contains(&writes), "{writes} writes");
        assert!(readings < 1_000, "{readings} readings");
    }

    #[test]
    fn no_result_is_held_back_twice_as_long_as_it_may_be() {
        for nanos in [100, 1_000, 7_000, 19_000] {
            let (mut now, mut flush_timer) = (Duration::ZERO, FlushTimer::new(Duration::ZERO));
            let mut written = now;
            for _ in 0..10_000 {
                now += Duration::from_nanos(nanos);
                flush_timer.until_reading -= 1;
                if flush_timer.until_reading == 0 && flush_timer.is_due_at(now) {
                    written = now;
                }
                assert!(now - written <= 2 * HELD_BACK, "{nanos}");
            }
        }
    }
}
