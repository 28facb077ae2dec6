//! What is asked of a task.

use std::time::Duration;

use crate::id::{AffinityKey, FunctionKey, ShareKey};
use crate::level::Level;
use crate::policy::queue::Seat;

/// What the scheduler must know of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskSpec {
    /// Which function it runs.
    pub function: FunctionKey,
    /// How long it may run, or each of its items.
    pub timeout: Option<Duration>,
    /// How many items it runs one after another, each of which has the `timeout` for itself: the worker may
    /// start the clock anew so often. 1 for a single call; 0 counts as 1.
    ///
    /// This is what bounds a worker that lies about its starts, or whose items restart the clock without end.
    /// From the first start that the scheduler is told of, the task has `items` times the `timeout`; and
    /// it is told of that one at the latest when the limit has passed once since it could have begun.
    pub items: u32,
    /// How long it may wait, from acceptance until it runs.
    pub queue_timeout: Option<Duration>,
    /// How many deaths of its worker it may survive by being run again.
    pub retries: u32,
    /// How long a running function may take to notice that it is cancelled. `None`: it is killed at once.
    pub grace: Option<Duration>,
    /// How urgent it is. While higher tasks wait, a level has about a sixteenth of the time that those above
    /// it have, so that it does not starve.
    pub level: Level,
    /// Whose it is. The shares of a level have workers for equal times while tasks of each wait; tasks
    /// without a key are one share.
    pub share: Option<ShareKey>,
    /// It prefers the worker that had the same key last, if that is idle or soon done.
    pub affinity: Option<AffinityKey>,
    /// What comes of it comes in parts, of which its worker may hold the last ones back while it makes the next.
    pub in_parts: bool,
}

impl TaskSpec {
    /// No limits, no retries, no grace, of the normal level, nobody's in particular.
    #[must_use]
    pub const fn new(function: FunctionKey) -> Self {
        Self {
            function,
            timeout: None,
            items: 1,
            queue_timeout: None,
            retries: 0,
            grace: None,
            level: Level::Normal,
            share: None,
            affinity: None,
            in_parts: false,
        }
    }

    /// Whether it is as [`new`](Self::new) makes it, but for the number of items.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        let Self {
            function: _,
            timeout,
            items: _,
            queue_timeout,
            retries,
            grace,
            level,
            share,
            affinity,
            in_parts,
        } = self;
        timeout.is_none()
            && queue_timeout.is_none()
            && *retries == 0
            && grace.is_none()
            && *level == Level::Normal
            && share.is_none()
            && affinity.is_none()
            && !in_parts
    }

    #[inline]
    pub(crate) fn seat(&self) -> Seat {
        Seat {
            level: self.level,
            share: self.share,
        }
    }
}
