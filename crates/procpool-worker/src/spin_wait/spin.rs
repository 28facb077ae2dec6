//! One spin: look again and again, for a limited time.

use std::time::Duration;

use crate::tuning::PREEMPTED;

/// How a spin ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpinEnd {
    /// A look found something.
    Found,
    /// The time was over.
    TimedOut,
    /// Another thread needed the processor.
    Preempted,
}

/// Looks until a look finds something, for `limit` at most. Each look is told how long the spin has taken so far.
pub(super) fn spin(
    limit: Duration,
    now: impl Fn() -> Duration,
    mut look: impl FnMut(Duration) -> bool,
) -> SpinEnd {
    let began = now();
    let mut last = began;
    loop {
        if look(last.saturating_sub(began)) {
            return SpinEnd::Found;
        }
        std::hint::spin_loop();
        let at = now();
        if at.saturating_sub(last) > PREEMPTED {
            return SpinEnd::Preempted;
        }
        if at.saturating_sub(began) >= limit {
            return SpinEnd::TimedOut;
        }
        last = at;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const LIMIT: Duration = Duration::from_micros(50);

    #[test]
    fn a_spin_ends_when_a_look_finds_something_or_the_time_is_over_or_another_thread_ran() {
        let time = Cell::new(Duration::ZERO);
        let every = |step: Duration| {
            let time = &time;
            move || {
                time.set(time.get() + step);
                time.get()
            }
        };
        let nano = Duration::from_nanos(20);
        let looks = Cell::new(0);
        let third = |_| {
            looks.set(looks.get() + 1);
            looks.get() == 3
        };
        assert_eq!(spin(LIMIT, every(nano), third), SpinEnd::Found);
        let before = time.get();
        assert_eq!(spin(LIMIT, every(nano), |_| false), SpinEnd::TimedOut);
        assert!(time.get() - before <= LIMIT + 3 * nano);
        assert_eq!(spin(LIMIT, every(LIMIT / 2), |_| false), SpinEnd::Preempted);
    }
}
