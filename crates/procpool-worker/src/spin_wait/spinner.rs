//! Whether to look for the next command for a while before sleeping.
//!
//! On an idle machine most of a round trip is two processors that wake up, some 25 µs each. A worker that
//! looks for its next command instead of sleeping saves one of the two, and costs a processor while it
//! looks. So it looks only while its parent says that there is one to spare, for no longer than
//! about two such wake-ups, and only as long as it pays: who spins for as long as a sleep costs, and then sleeps,
//! is never worse than twice the best choice (Karlin, Manasse, McGeoch and Owicki, *Competitive
//! randomized algorithms for non-uniform problems*, 1990).

use std::time::Duration;

/// Between two looks of a spinning worker there are nanoseconds. If it was so long, something else
/// wanted the processor and got it: 20 µs.
const PREEMPTED: Duration = Duration::from_micros(20);

/// At most so many waits are slept through after one in which spinning was of no use.
const MOST_SKIPPED: u32 = 64;

/// At least so many after one in which others needed the processor.
const LEAST_SKIPPED_FOR_OTHERS: u32 = 4;

/// A result that takes no longer to copy than to be woken for: 160 KiB. Somebody may stay awake for it.
const SMALL: usize = 160 << 10;

/// So many bytes of a result may take a microsecond: 4 KiB for it to be copied, and as many for what is sent in answer.
const PER_MICRO: usize = 2 << 10;

/// How much longer the next command takes to come because the last result was so large: 80 µs at most.
pub(crate) fn until_copied(result_len: usize) -> Duration {
    Duration::from_micros((result_len.min(SMALL) / PER_MICRO) as u64)
}

/// What a worker has learned of its waits.
#[derive(Debug, Default)]
pub(crate) struct Spinner {
    /// How many waits are yet to be slept through.
    skip: u32,
    /// How many it will be the next time.
    penalty: u32,
    /// Others needed the processor the last time.
    was_preempted: bool,
    /// How many spins have paid since others needed the processor. Even on an idle machine the kernel and the
    /// machine's host want it now and then, and that is no reason to sleep for long.
    paid: u32,
}

/// How a spin ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spun {
    /// There is something.
    Heard,
    /// There was nothing for as long as it was to be.
    InVain,
    /// Others need the processor.
    Preempted,
}

impl Spinner {
    /// Whether the wait that now begins is to begin with a spin.
    pub(crate) fn begin(&mut self) -> bool {
        let spins = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        spins
    }

    /// A spin has ended.
    pub(crate) fn spun(&mut self, how: Spun) {
        match how {
            Spun::Heard => {
                self.penalty = 0;
                self.paid = self.paid.saturating_add(1);
            }
            Spun::InVain => self.punish((2 * self.penalty).max(1)),
            Spun::Preempted => {
                let waits = MOST_SKIPPED.saturating_sub(self.paid);
                self.punish(waits.max(LEAST_SKIPPED_FOR_OTHERS));
                self.paid = 0;
            }
        }
        self.was_preempted = how == Spun::Preempted;
    }

    /// A wait was slept through, and took so long; a spin would have been allowed to take `limit`.
    pub(crate) fn slept(&mut self, waited: Duration, limit: Duration) {
        // Not after a preemption, where the next one would be as bad for the others.
        if waited < limit && !self.was_preempted {
            (self.skip, self.penalty) = (0, 0);
        }
    }

    fn punish(&mut self, waits: u32) {
        self.penalty = waits.min(MOST_SKIPPED);
        self.skip = self.penalty;
    }
}

/// Looks until there is something, for `limit` at most. Each look is told for how long it has been going on.
pub(crate) fn spin(
    limit: Duration,
    now: impl Fn() -> Duration,
    mut is_there: impl FnMut(Duration) -> bool,
) -> Spun {
    let began = now();
    let mut last = began;
    loop {
        if is_there(last.saturating_sub(began)) {
            return Spun::Heard;
        }
        std::hint::spin_loop();
        let at = now();
        if at.saturating_sub(last) > PREEMPTED {
            return Spun::Preempted;
        }
        if at.saturating_sub(began) >= limit {
            return Spun::InVain;
        }
        last = at;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const LIMIT: Duration = Duration::from_micros(50);

    fn skipped(spinner: &mut Spinner) -> usize {
        (0..).take_while(|_| !spinner.begin()).count()
    }

    #[test]
    fn a_large_result_is_given_the_time_to_be_copied_and_answered() {
        let micros = |len| until_copied(len).as_micros();
        assert_eq!([0, 100, 64 << 10, 160 << 10].map(micros), [0, 0, 32, 80]);
        assert_eq!(micros(usize::MAX), 80);
    }

    #[test]
    fn spins_in_vain_become_rare_and_one_that_helps_makes_up_for_them() {
        let mut spinner = Spinner::default();
        for rarely in [0, 1, 2, 4, 8, 16, 32, 64, 64] {
            assert_eq!(skipped(&mut spinner), rarely);
            spinner.spun(Spun::InVain);
        }
        assert_eq!(skipped(&mut spinner), 64);
        spinner.spun(Spun::Heard);
        assert_eq!(skipped(&mut spinner), 0);
    }

    #[test]
    fn a_short_sleep_shows_that_a_spin_would_have_helped() {
        let mut spinner = Spinner::default();
        for _ in 0..4 {
            skipped(&mut spinner);
            spinner.spun(Spun::InVain);
        }
        spinner.slept(LIMIT * 3, LIMIT);
        assert!(!spinner.begin());
        spinner.slept(LIMIT / 2, LIMIT);
        assert!(spinner.begin());
    }

    #[test]
    fn who_is_in_the_way_of_others_sleeps_for_long_unless_that_is_rare() {
        let mut spinner = Spinner::default();
        for (paid, sleeps) in [(0, 64), (10, 54), (1000, 4), (0, 64)] {
            (0..paid).for_each(|_| spinner.spun(Spun::Heard));
            spinner.spun(Spun::Preempted);
            assert!(!spinner.begin());
            // That there was something soon doesn't count: it would be in the way again.
            spinner.slept(LIMIT / 2, LIMIT);
            assert_eq!(skipped(&mut spinner), sleeps - 1);
        }
        spinner.spun(Spun::Heard);
        assert_eq!(skipped(&mut spinner), 0);
    }

    #[test]
    fn a_spin_ends_when_there_is_something_or_the_time_is_over_or_others_had_theirs() {
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
        assert_eq!(spin(LIMIT, every(nano), third), Spun::Heard);
        let before = time.get();
        assert_eq!(spin(LIMIT, every(nano), |_| false), Spun::InVain);
        assert!(time.get() - before <= LIMIT + 3 * nano);
        assert_eq!(spin(LIMIT, every(LIMIT / 2), |_| false), Spun::Preempted);
    }
}
