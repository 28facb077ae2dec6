//! Whether a wait begins with a spin.

use std::time::Duration;

use super::spin::SpinEnd;
use crate::tuning::{MAX_SKIPPED_SPINS, MIN_SKIPPED_AFTER_PREEMPTION};

/// Learns from the waits of a worker whether spins help.
///
/// A spin that takes as long as a sleep costs, followed by a sleep, is never worse than twice the best choice (Karlin,
/// Manasse, McGeoch and Owicki, *Competitive randomized algorithms for non-uniform problems*, 1990). Spins that do
/// not help become rare, so that the loss on a load without short waits goes to zero.
#[derive(Debug, Default)]
pub(super) struct SpinPolicy {
    /// The number of waits that are still to begin without a spin.
    skip: u32,
    /// `skip` after the next spin that does not help.
    penalty: u32,
    /// The last spin was preempted.
    was_preempted: bool,
    /// The number of spins that have helped since one was preempted. Even on an idle machine the kernel and the
    /// machine's host want the processor now and then, and that is no reason to stop for long.
    helped: u32,
}

impl SpinPolicy {
    /// Whether the wait that now begins is to begin with a spin.
    pub(super) fn should_spin(&mut self) -> bool {
        let spins = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        spins
    }

    /// Learns from a spin.
    pub(super) fn note_spin(&mut self, end: SpinEnd) {
        match end {
            SpinEnd::Found => {
                self.penalty = 0;
                self.helped = self.helped.saturating_add(1);
            }
            SpinEnd::TimedOut => self.punish((2 * self.penalty).max(1)),
            SpinEnd::Preempted => {
                let waits = MAX_SKIPPED_SPINS.saturating_sub(self.helped);
                self.punish(waits.max(MIN_SKIPPED_AFTER_PREEMPTION));
                self.helped = 0;
            }
        }
        self.was_preempted = end == SpinEnd::Preempted;
    }

    /// Learns from a wait without a spin, where a spin would have been allowed to take `limit`.
    pub(super) fn note_sleep(&mut self, waited: Duration, limit: Duration) {
        // After a preemption the next spin would be as bad for the other threads.
        if waited < limit && !self.was_preempted {
            (self.skip, self.penalty) = (0, 0);
        }
    }

    fn punish(&mut self, waits: u32) {
        self.penalty = waits.min(MAX_SKIPPED_SPINS);
        self.skip = self.penalty;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_micros(50);

    fn skipped(policy: &mut SpinPolicy) -> usize {
        (0..).take_while(|_| !policy.should_spin()).count()
    }

    #[test]
    fn spins_in_vain_become_rare_and_one_that_helps_makes_up_for_them() {
        let mut policy = SpinPolicy::default();
        for rarely in [0, 1, 2, 4, 8, 16, 32, 64, 64] {
            assert_eq!(skipped(&mut policy), rarely);
            policy.note_spin(SpinEnd::TimedOut);
        }
        assert_eq!(skipped(&mut policy), 64);
        policy.note_spin(SpinEnd::Found);
        assert_eq!(skipped(&mut policy), 0);
    }

    #[test]
    fn a_short_sleep_shows_that_a_spin_would_have_helped() {
        let mut policy = SpinPolicy::default();
        for _ in 0..4 {
            skipped(&mut policy);
            policy.note_spin(SpinEnd::TimedOut);
        }
        policy.note_sleep(LIMIT * 3, LIMIT);
        assert!(!policy.should_spin());
        policy.note_sleep(LIMIT / 2, LIMIT);
        assert!(policy.should_spin());
    }

    #[test]
    fn a_preempted_spin_stops_spins_for_long_unless_it_is_rare() {
        let mut policy = SpinPolicy::default();
        for (helped, sleeps) in [(0, 64), (10, 54), (1000, 4), (0, 64)] {
            (0..helped).for_each(|_| policy.note_spin(SpinEnd::Found));
            policy.note_spin(SpinEnd::Preempted);
            assert!(!policy.should_spin());
            // A short wait does not count: a spin would be in the way of other threads again.
            policy.note_sleep(LIMIT / 2, LIMIT);
            assert_eq!(skipped(&mut policy), sleeps - 1);
        }
        policy.note_spin(SpinEnd::Found);
        assert_eq!(skipped(&mut policy), 0);
    }
}
