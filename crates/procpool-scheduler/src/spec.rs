//! The options of a task.

use std::time::Duration;

use crate::id::{AffinityKey, FunctionKey, ShareKey};
use crate::level::Level;
use crate::policy::queue::QueueKey;

/// A task's function and options, as far as the scheduler needs them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskSpec {
    /// Which function it runs.
    pub function: FunctionKey,
    /// How long it may run, or each of its items.
    pub timeout: Option<Duration>,
    /// How many items it runs one after another, each of which has the `timeout` for itself: the worker may
    /// start the clock anew so often. 1 for a single call; 0 counts as 1.
    ///
    /// This bounds a worker that lies about its starts, or whose items restart the clock without end. From the first start
    /// that the scheduler is told, the task has `items` times the `timeout`. The scheduler is told that start at the
    /// latest when the limit has passed once since the task could have begun.
    pub items: u32,
    /// How long it may wait, from acceptance until it runs.
    pub queue_timeout: Option<Duration>,
    /// How many deaths of its workers it survives by being run again.
    pub retries: u32,
    /// How long the running function may take to notice that it is cancelled. `None`: its worker is killed at once.
    pub grace: Option<Duration>,
    /// How urgent it is. While tasks of higher levels wait, a level has about a sixteenth of the time that those have, so
    /// that it does not starve.
    pub level: Level,
    /// Which share it belongs to. The shares of a level have workers for equal times while tasks of each wait. Tasks without
    /// a key are one share.
    pub share: Option<ShareKey>,
    /// It prefers the worker that had the same key last, if that is idle or will soon be done.
    pub affinity: Option<AffinityKey>,
    /// Its results come in parts. Its worker may hold the last ones back while it makes the next.
    pub in_parts: bool,
}

impl TaskSpec {
    /// A task of the normal level, without limits, retries, grace and keys.
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
    pub(crate) fn has_defaults(&self) -> bool {
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
    pub(crate) fn queue_key(&self) -> QueueKey {
        QueueKey {
            level: self.level,
            share: self.share,
        }
    }
}
