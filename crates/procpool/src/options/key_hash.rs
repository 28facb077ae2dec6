//! The hashes of a program's share and affinity keys.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::LazyLock;

/// One state for the whole process, so that a key has the same hash in every handle. It is random, so
/// that nobody can choose keys whose hashes collide.
static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

pub(crate) fn key_hash(key: impl Hash) -> u64 {
    STATE.hash_one(key)
}
