//! The accounts and their password hashes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

/// The accounts in memory; a real program would use a database.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Mutex<HashMap<String, String>>);

impl Accounts {
    pub(crate) fn hash_of(&self, name: &str) -> Option<String> {
        let accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.get(name).cloned()
    }

    /// Adds an account and returns whether the name was free.
    #[must_use]
    pub(crate) fn insert(&self, name: String, hash: String) -> bool {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match accounts.entry(name) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(hash);
                true
            }
        }
    }
}
