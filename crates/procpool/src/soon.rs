//! A result that is likely to be here within microseconds.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A worker that was awake when it was given a short task.
///
/// Who waits for its result would go to sleep only to be woken at once, which takes some 25 µs on an idle
/// machine. To stay awake for as long as such a task and its way take costs less; and who is awake takes the
/// result from where the worker has put it, before it has come through the socket and the runtime.
#[derive(Debug)]
pub(crate) struct Soon(Arc<dyn Speaker>);

/// A worker that says something now and then.
pub(crate) trait Speaker: Debug + Send + Sync {
    /// Whether it has said something that nobody has handled. A look at memory.
    fn has_said_more(&self) -> bool;

    /// Handles that, unless someone else is about to.
    fn hear(&self);
}

impl Soon {
    /// Functions that take no longer than this on average are worth it: 5 µs.
    pub(crate) const SHORT: Duration = Duration::from_micros(5);

    /// The longest time for which one stays awake: 10 µs. A runtime's thread is kept for no longer, once a task.
    const LIMIT: Duration = Duration::from_micros(10);

    pub(crate) fn new(worker: &Arc<dyn Speaker>) -> Self {
        Soon(Arc::clone(worker))
    }

    /// Stays awake and takes what the worker says until that is what was waited for, for some microseconds at
    /// most.
    pub(crate) fn stay_awake(&self, is_there: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_there() && began.elapsed() < Self::LIMIT {
            match self.0.has_said_more() {
                true => self.0.hear(),
                false => std::hint::spin_loop(),
            }
        }
    }
}
