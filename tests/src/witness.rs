//! A waker that checks whether a process has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Wake, Waker};

use crate::Watched;

/// The longest time that a killed process may take to end, in seconds.
const PATIENCE: i64 = 20;

const NOTHING: u8 = 0;
const A_LIVING: u8 = 1;
const A_DEAD: u8 = 2;

/// Checks, at the moment when it is woken, whether a process has been killed.
///
/// It waits for the end of the process inside `wake`. So the thread that wakes it can't kill the process
/// afterwards without being noticed.
#[derive(Debug)]
pub struct Witness {
    process: Watched,
    seen: AtomicU8,
}

impl Witness {
    /// Returns a witness for this process.
    #[must_use]
    pub fn of(pid: u32) -> Arc<Self> {
        Arc::new(Witness {
            process: Watched::new(pid),
            seen: AtomicU8::new(NOTHING),
        })
    }

    /// Returns the waker.
    #[must_use]
    pub fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Returns whether the process had been killed when the waker was woken; `None` if it was not woken.
    #[must_use]
    pub fn saw_it_dead(&self) -> Option<bool> {
        match self.seen.load(Ordering::Acquire) {
            NOTHING => None,
            seen => Some(seen == A_DEAD),
        }
    }
}

impl Wake for Witness {
    fn wake(self: Arc<Self>) {
        let seen = match self.process.ends_within(PATIENCE) {
            true => A_DEAD,
            false => A_LIVING,
        };
        self.seen.store(seen, Ordering::Release);
    }
}
