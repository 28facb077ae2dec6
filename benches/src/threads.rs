//! The same calls on threads.

use tokio::task;

use crate::tiny::increment;
use crate::workload::Elsewhere;

/// Tokio's `spawn_blocking`, as a runtime has it by default.
#[derive(Clone, Copy, Debug)]
pub struct Threads;

impl Threads {
    /// Its name in criterion's ids and in the tables.
    pub const NAME: &'static str = "spawn_blocking";
}

impl Elsewhere for Threads {
    async fn increment(&mut self, number: u64) -> u64 {
        let handle = task::spawn_blocking(move || increment(number));
        handle.await.expect("a tiny task should not fail")
    }

    async fn echo(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let handle = task::spawn_blocking(move || bytes);
        handle.await.expect("an echo should not fail")
    }
}
