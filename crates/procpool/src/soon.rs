//! A result that is likely to be here within microseconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use procpool_os::ControlPage;

/// A worker that was awake when it was given a short task.
///
/// Who waits for its result would go to sleep only to be woken at once, which takes some 25 µs on an idle
/// machine. To stay awake for as long as such a task and its way take costs less.
#[derive(Debug)]
pub(crate) struct Soon {
    page: Arc<ControlPage>,
    /// How much the worker had sent by then.
    sent: u64,
}

impl Soon {
    /// Functions that take no longer than this on average are worth it: 5 µs.
    pub(crate) const SHORT: Duration = Duration::from_micros(5);

    /// The longest time for which one stays awake: 10 µs. A runtime's thread is kept for no longer, once a task.
    const LIMIT: Duration = Duration::from_micros(10);

    /// To be noted before the task is on its way.
    pub(crate) fn new(page: &Arc<ControlPage>) -> Self {
        Soon {
            sent: page.spool_flushed(),
            page: Arc::clone(page),
        }
    }

    /// Stays awake until the worker has sent anything, for some microseconds at most.
    pub(crate) fn stay_awake(&self) {
        let began = Instant::now();
        while self.page.spool_flushed() == self.sent && began.elapsed() < Self::LIMIT {
            std::hint::spin_loop();
        }
    }
}
