//! When the next worker may be started after a start has failed.

use std::time::Instant;

use crate::config::Backoff;
use crate::policy::tuning::{LEAST_START_PAUSE, UNUSED_EXITS};

/// Admits starts: as many as are wanted; or one at a time, after ever longer pauses, while they fail.
#[derive(Debug)]
pub(crate) struct StartGate {
    pauses: Backoff,
    failures: u32,
    unused_exits: u32,
    opens: Option<Instant>,
    failing: bool,
    round: StartRound,
}

/// The starts that were begun before the same failure. If eight of them fail together, that is one failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StartRound(u64);

impl StartGate {
    pub(crate) fn new(pauses: Backoff) -> Self {
        Self {
            pauses,
            failures: 0,
            unused_exits: 0,
            opens: None,
            failing: false,
            round: StartRound(0),
        }
    }

    pub(crate) fn round(&self) -> StartRound {
        self.round
    }

    /// How many of the wanted workers may be started now.
    pub(crate) fn admits(&self, now: Instant, wanted: usize, starting: usize) -> usize {
        if !self.failing {
            wanted
        } else if starting > 0 || self.opens.is_some_and(|at| now < at) {
            0
        } else {
            wanted.min(1)
        }
    }

    /// When `admits` will admit a start that it refuses now, if it depends on time only.
    pub(crate) fn opens(&self, starting: usize) -> Option<Instant> {
        (self.failing && starting == 0).then_some(self.opens)?
    }

    pub(crate) fn failed(&mut self, now: Instant, round: StartRound) {
        if round != self.round {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let pause = self.pauses.pause(self.failures);
        self.opens = now.checked_add(pause.max(LEAST_START_PAUSE));
        self.failing = true;
        self.round = StartRound(self.round.0 + 1);
    }

    /// A worker is ready. Others may start at once.
    pub(crate) fn ready(&mut self) {
        self.failing = false;
        self.opens = None;
    }

    /// A worker exited that was ready and never began a task. True if that is to count as a failed start.
    pub(crate) fn exited_unused(&mut self) -> bool {
        self.unused_exits = self.unused_exits.saturating_add(1);
        self.unused_exits >= UNUSED_EXITS
    }

    /// A worker ran a task, so starts succeed again.
    pub(crate) fn worked(&mut self) {
        self.failures = 0;
        self.unused_exits = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_over_after_work() {
        let mut gate = StartGate::new(Backoff::default());
        let now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..40 {
            gate.failed(now, gate.round());
            pauses.push((gate.opens(0).unwrap() - now).as_millis());
        }
        assert_eq!(pauses[..6], [100, 200, 400, 800, 1600, 2000]);
        assert_eq!(pauses[39], 2000);
        gate.ready();
        gate.worked();
        assert_eq!(gate.admits(now, 8, 3), 8);
        gate.failed(now, gate.round());
        assert_eq!((gate.opens(0).unwrap() - now).as_millis(), 100);
    }

    #[test]
    fn failing_together_is_one_failure_and_one_probe_follows() {
        let mut gate = StartGate::new(Backoff::default());
        let now = Instant::now();
        let round = gate.round();
        (0..8).for_each(|_| gate.failed(now, round));
        let opens = gate.opens(0).unwrap();
        assert_eq!(opens - now, Duration::from_millis(100));
        assert_eq!(gate.admits(now, 8, 0), 0);
        assert_eq!(gate.admits(opens, 8, 0), 1);
        assert_eq!(gate.admits(opens, 8, 1), 0);
    }
}
