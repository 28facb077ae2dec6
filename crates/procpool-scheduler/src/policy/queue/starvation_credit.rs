//! What a level has earned by waiting.

use crate::policy::run_time::Expected;

/// How much longer those above a level are served than that level, while both have tasks; and how many more
/// tasks, of which it is not known how long they take.
const ABOVE: u64 = 16;

/// While a level is passed over, it saves a part of the time that those above it have. When that pays for its
/// first task, it is its turn.
///
/// Time that is not known can't be saved: then it counts how often the level was passed over. The two are kept apart,
/// because what was saved at a guess could buy a lot when the truth is known.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Claim {
    /// A part of the time of those that passed.
    nanos: u64,
    /// How many passed.
    passed: u64,
    /// Of these, how many of which nothing is known.
    unknown: u64,
}

impl Claim {
    /// A task of a higher level is served before this one.
    pub(super) fn pass(&mut self, expected: Expected) {
        self.passed += 1;
        match expected {
            Some(nanos) => self.nanos = self.nanos.saturating_add(nanos.div_ceil(ABOVE)),
            None => self.unknown += 1,
        }
    }

    /// Whether it is the turn of a level whose first task is expected to take this.
    pub(super) fn is_due(&self, expected: Expected) -> bool {
        match expected {
            Some(nanos) => self.nanos >= nanos || self.unknown >= ABOVE,
            None => self.passed >= ABOVE,
        }
    }

    /// The level is served before a higher one.
    pub(super) fn spend(&mut self, expected: Expected) {
        *self = Claim {
            // What is not known is not worth less.
            nanos: expected.map_or(0, |nanos| self.nanos.saturating_sub(nanos)),
            passed: 0,
            unknown: 0,
        }
    }
}
