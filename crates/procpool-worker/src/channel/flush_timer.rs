//! When results that are held back are to be written.

use std::time::Duration;

use procpool_os::control::monotonic_now;

/// A result that took this long to come by is worth a system call of its own: 20 µs.
pub(crate) const WORTH_A_WRITE: Duration = Duration::from_micros(20);

/// The longest time for which a result is held back while others are added to it: 50 µs.
pub(crate) const HELD_BACK: Duration = Duration::from_micros(50);

/// How long a result is held back for who is awake to take it from memory: 10 µs, for which one
/// stays awake at least.
pub(crate) const AWAITED: Duration = Duration::from_micros(10);

/// The most results between two looks at the clock.
const MOST_UNSEEN: u32 = 256;

/// Finds the moments at which to write, without looking at the clock for each result: for the
/// shortest ones that would take longer than all else.
#[derive(Debug)]
pub(crate) struct FlushTimer {
    written: Duration,
    looked: Duration,
    /// How many results there are from one look to the next.
    stride: u32,
    until_look: u32,
}

impl FlushTimer {
    pub(crate) fn new(started: Duration) -> Self {
        FlushTimer {
            written: started,
            looked: started,
            stride: 1,
            until_look: 1,
        }
    }

    /// There is one more result: whether those that there are should be written now.
    #[inline]
    pub(crate) fn is_due(&mut self) -> bool {
        self.until_look -= 1;
        self.until_look == 0 && self.is_due_at(monotonic_now())
    }

    fn is_due_at(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.looked);
        self.looked = now;
        let each = passed / self.stride;
        self.stride = if passed < HELD_BACK / 8 {
            (self.stride * 2).min(MOST_UNSEEN)
        } else if passed > HELD_BACK / 2 {
            (self.stride / 4).max(1)
        } else {
            self.stride
        };
        self.until_look = self.stride;
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

    /// How often results that each take this long are written, and how often the clock is read.
    fn writes(each: Duration, results: u32) -> (u32, u32) {
        let (mut now, mut flush_timer) = (Duration::ZERO, FlushTimer::new(Duration::ZERO));
        let (mut writes, mut looks) = (0, 0);
        for _ in 0..results {
            now += each;
            flush_timer.until_look -= 1;
            if flush_timer.until_look == 0 {
                looks += 1;
                writes += u32::from(flush_timer.is_due_at(now));
            }
        }
        (writes, looks)
    }

    #[test]
    fn what_takes_long_is_written_at_once() {
        assert_eq!(writes(Duration::from_micros(20), 100).0, 100);
        assert_eq!(writes(Duration::from_secs(1), 100).0, 100);
    }

    #[test]
    fn the_shortest_are_written_together_and_seldom_looked_at() {
        let (writes, looks) = writes(Duration::from_nanos(30), 100_000);
        // 3 ms in all.
        assert!((40..=60).contains(&writes), "{writes} writes");
        assert!(looks < 1_000, "{looks} looks");
    }

    #[test]
    fn nothing_is_held_back_twice_as_long_as_it_may_be() {
        for nanos in [100, 1_000, 7_000, 19_000] {
            let (mut now, mut flush_timer) = (Duration::ZERO, FlushTimer::new(Duration::ZERO));
            let mut written = now;
            for _ in 0..10_000 {
                now += Duration::from_nanos(nanos);
                flush_timer.until_look -= 1;
                if flush_timer.until_look == 0 && flush_timer.is_due_at(now) {
                    written = now;
                }
                assert!(now - written <= 2 * HELD_BACK, "{nanos}");
            }
        }
    }
}
