//! When the next worker may be started after one failed.

use std::time::{Duration, Instant};

use crate::config::Backoff;

/// How often ready workers may die without having begun a task before that counts as failing to
/// start. More than one, because somebody may kill a fresh worker by hand; few, because a worker that
/// always dies right after its initializer would otherwise be respawned at full speed.
const BARREN: u32 = 3;

/// Lets attempts through, one at a time and ever more slowly while they fail.
#[derive(Debug)]
pub(crate) struct Gate {
    pauses: Backoff,
    failures: u32,
    barren: u32,
    opens: Option<Instant>,
    failing: bool,
    round: Round,
}

/// Attempts made before the same failure. When eight workers fail together, that is one failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Round(u64);

impl Gate {
    pub(crate) fn new(pauses: Backoff) -> Self {
        Self {
            pauses,
            failures: 0,
            barren: 0,
            opens: None,
            failing: false,
            round: Round(0),
        }
    }

    pub(crate) fn round(&self) -> Round {
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

    /// When `admits` will let an attempt through that it refuses now, if time is what it takes.
    pub(crate) fn opens(&self, starting: usize) -> Option<Instant> {
        (self.failing && starting == 0).then_some(self.opens)?
    }

    pub(crate) fn failed(&mut self, now: Instant, round: Round) {
        if round != self.round {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let pause = self.pauses.pause(self.failures);
        self.opens = now.checked_add(pause.max(Duration::from_millis(1)));
        self.failing = true;
        self.round = Round(self.round.0 + 1);
    }

    /// A worker is ready: others may start at once.
    pub(crate) fn ready(&mut self) {
        self.failing = false;
        self.opens = None;
    }

    /// A worker died that was ready and never began a task. True if that is to count as a failed start.
    pub(crate) fn died_barren(&mut self) -> bool {
        self.barren = self.barren.saturating_add(1);
        self.barren >= BARREN
    }

    /// A worker ran a task: whatever was wrong is over.
    pub(crate) fn worked(&mut self) {
        self.failures = 0;
        self.barren = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_over_after_work() {
        let mut gate = Gate::new(Backoff::default());
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
        let mut gate = Gate::new(Backoff::default());
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
