//! The end of a pool.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_channel::oneshot;
use parking_lot::Mutex;

use crate::task::foreign_waker::answer;

/// Whether a pool has stopped, and the futures that wait for it.
///
/// It does not use `tokio::sync::watch`, which wakes no further waker after one of them has panicked.
#[derive(Debug, Default)]
pub(crate) struct Stopped {
    is_set: AtomicBool,
    waiters: Mutex<Vec<oneshot::Sender<()>>>,
}

impl Stopped {
    /// Records that the pool has stopped, and wakes all waiting futures.
    pub(crate) fn set(&self) {
        if self.is_set.swap(true, Ordering::AcqRel) {
            return;
        }
        let waiters = std::mem::take(&mut *self.waiters.lock());
        for waiter in waiters {
            answer(waiter, ());
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    /// Waits until the pool has stopped.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn wait(&self) {
        if let Some(waiter) = self.waiter() {
            // `set` answers each sender before it is dropped.
            let _ = waiter.await;
        }
    }

    /// `None` if the pool has stopped.
    fn waiter(&self) -> Option<oneshot::Receiver<()>> {
        let mut waiters = self.waiters.lock();
        // `set` takes the waiters after it has set this.
        if self.is_set() {
            return None;
        }
        waiters.retain(|waiter| !waiter.is_canceled());
        let (sender, receiver) = oneshot::channel();
        waiters.push(sender);
        Some(receiver)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn has_ended(wait: impl Future<Output = ()>) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        pin!(wait).poll(&mut cx).is_ready()
    }

    #[test]
    fn all_that_wait_are_told_and_those_that_come_later_need_not_wait() {
        let stopped = Stopped::default();
        let mut early = pin!(stopped.wait());
        assert!(!has_ended(early.as_mut()));
        assert!(!stopped.is_set());
        stopped.set();
        assert!(stopped.is_set() && has_ended(early.as_mut()) && has_ended(stopped.wait()));
    }

    #[test]
    fn a_future_that_was_dropped_leaves_nothing_behind() {
        let stopped = Stopped::default();
        for _ in 0..100 {
            assert!(!has_ended(stopped.wait()));
        }
        assert_eq!(stopped.waiters.lock().len(), 1);
    }
}
