//! What a program calls things, as a number.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::LazyLock;

/// One for the whole process, so that a key is the same in every handle; and another in each, so that
/// nobody who chooses keys can choose those that collide.
static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

pub(crate) fn key_hash(key: impl Hash) -> u64 {
    STATE.hash_one(key)
}
