//! What a level earns while higher levels are served.

use crate::policy::run_time::Expected;
use crate::policy::tuning::ABOVE;

/// While a level is passed over, it earns a part of the time that the levels above it have. When that pays for its first
/// task, the level has its turn.
///
/// Run times that are not known earn nothing. Instead, tasks that passed are counted. The two are kept apart, because a
/// credit from guesses could buy many tasks once run times are known.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct StarvationCredit {
    /// A part of the expected run times of the tasks that passed.
    nanos: u64,
    /// How many tasks passed.
    passed: u64,
    /// How many of these had an unknown run time.
    unknown: u64,
}

impl StarvationCredit {
    /// A task of a higher level is served before this level.
    pub(super) fn earn(&mut self, expected: Expected) {
        self.passed += 1;
        match expected {
            Some(nanos) => self.nanos = self.nanos.saturating_add(nanos.div_ceil(ABOVE)),
            None => self.unknown += 1,
        }
    }

    /// Whether a level whose first task is expected to take this has its turn.
    pub(super) fn is_due(&self, expected: Expected) -> bool {
        match expected {
            Some(nanos) => self.nanos >= nanos || self.unknown >= ABOVE,
            None => self.passed >= ABOVE,
        }
    }

    /// The level is served before a higher one, with a task that is expected to take this.
    pub(super) fn spend(&mut self, expected: Expected) {
        *self = StarvationCredit {
            // A task of unknown length costs all of it.
            nanos: expected.map_or(0, |nanos| self.nanos.saturating_sub(nanos)),
            passed: 0,
            unknown: 0,
        }
    }
}
