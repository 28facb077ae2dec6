//! Which worker had an affinity key last.

use std::collections::HashMap;

use crate::id::{AffinityKey, WorkerId};
use crate::policy::tuning::AFFINITY_KEYS;

/// A worker by its place in the fleet. Another worker may have that place by now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Home {
    pub(crate) place: usize,
    pub(crate) worker: WorkerId,
}

/// The keys that were used last, at least [`AFFINITY_KEYS`], and at most twice as many.
///
/// They are in two generations, and not in a list in the order of use. A key that is used is moved to the younger
/// generation. When that is full, the older one is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Affinities {
    young: HashMap<AffinityKey, Home>,
    old: HashMap<AffinityKey, Home>,
}

impl Affinities {
    pub(crate) fn home(&self, key: AffinityKey) -> Option<Home> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
    }

    /// The worker is given a task with this key.
    pub(crate) fn moved(&mut self, key: AffinityKey, home: Home) {
        self.young.insert(key, home);
        if self.young.len() >= AFFINITY_KEYS {
            self.old = std::mem::take(&mut self.young);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_keys_are_forgotten_but_for_the_last_ones() {
        let mut affinities = Affinities::default();
        let home = Home {
            place: 0,
            worker: WorkerId::FIRST,
        };
        let used_often = AffinityKey::from_hash(u64::MAX);
        for hash in 1..=1_000_000 {
            affinities.moved(AffinityKey::from_hash(hash), home);
            if hash % 1_000 == 0 {
                affinities.moved(used_often, home);
            }
            assert!(affinities.young.len() + affinities.old.len() <= 2 * AFFINITY_KEYS);
        }
        assert_eq!(affinities.home(used_often), Some(home));
        assert_eq!(affinities.home(AffinityKey::from_hash(1)), None);
        let last = 1_000_000 - AFFINITY_KEYS as u64 / 2;
        assert_eq!(affinities.home(AffinityKey::from_hash(last)), Some(home));
    }
}
