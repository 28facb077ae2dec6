//! Which worker had a key last.

use std::collections::HashMap;

use crate::id::{AffinityKey, WorkerId};

/// How many keys a generation has.
const GENERATION: usize = 4096;

/// A worker by its place in the fleet, where another may be by now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Home {
    pub(crate) place: usize,
    pub(crate) worker: WorkerId,
}

/// The keys that were used last, at least so many as a generation has, and at most twice as many.
///
/// Two generations, and not a list in the order of use: what is used is moved to the younger one, and when that is
/// full, the older one is forgotten.
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
        if self.young.len() >= GENERATION {
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
            assert!(affinities.young.len() + affinities.old.len() <= 2 * GENERATION);
        }
        assert_eq!(affinities.home(used_often), Some(home));
        assert_eq!(affinities.home(AffinityKey::from_hash(1)), None);
        let last = 1_000_000 - GENERATION as u64 / 2;
        assert_eq!(affinities.home(AffinityKey::from_hash(last)), Some(home));
    }
}
