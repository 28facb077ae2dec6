//! A result that is likely to be here within microseconds.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A worker that was awake when it was given a short task.
///
/// Who waits for its result would go to sleep only to be woken at once, which takes some 25 µs on an idle
/// machine. To stay awake for as long as such a task and its way take costs less; and who is awake takes the
/// result from where the worker has put it. The worker waits a moment with writing it to the socket, since nobody
/// may have to be woken by that.
#[derive(Debug)]
pub(crate) struct Soon(Arc<dyn Speaker>);

/// A worker that says something now and then.
pub(crate) trait Speaker: Debug + Send + Sync {
    /// Whether it has said something that nobody has handled. A look at memory.
    fn has_said_more(&self) -> bool;

    /// Handles that, unless someone else is about to.
    fn hear(&self);

    /// How many bytes of arguments it was given with its last task.
    fn args_len(&self) -> usize;

    /// No thread waits awake any more: the worker is to write its results to the socket.
    fn stop_waiting(&self);
}

impl Soon {
    /// Functions that take no longer than this on average are worth it: 5 µs.
    pub(crate) const SHORT: Duration = Duration::from_micros(5);

    /// And arguments that are no larger than this: 160 KiB. What takes longer to copy is worth a wake-up.
    pub(crate) const SMALL: usize = 160 << 10;

    /// For how long one stays awake if there are no arguments to speak of: 10 µs.
    const LEAST: Duration = Duration::from_micros(10);

    /// So many bytes of arguments may take a microsecond more, to get there and, for all one knows, to come back: 4 KiB.
    /// So a runtime's thread is kept for 50 µs at the very most, once a task.
    const PER_MICRO: usize = 4 << 10;

    pub(crate) fn new(worker: &Arc<dyn Speaker>) -> Self {
        Soon(Arc::clone(worker))
    }

    fn limit(&self) -> Duration {
        let args = self.0.args_len().min(Self::SMALL);
        Self::LEAST + Duration::from_micros((args / Self::PER_MICRO) as u64)
    }

    /// Stays awake and takes what the worker says until that is what was waited for, for some microseconds at
    /// most.
    pub(crate) fn stay_awake(&self, is_there: impl Fn() -> bool) {
        let (began, limit) = (Instant::now(), self.limit());
        while !is_there() {
            if self.0.has_said_more() {
                self.0.hear();
                if is_there() {
                    return;
                }
            }
            // Whatever it says: it need not be true.
            if began.elapsed() >= limit {
                return self.0.stop_waiting();
            }
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Weak;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Poll, Waker};

    use procpool_wire::Payload;

    use super::*;
    use crate::task::cell::{TaskCell, TaskEnd};

    /// It always has something to say: the end of this task, or nothing at all.
    #[derive(Debug, Default)]
    struct Worker {
        ends: Weak<TaskCell>,
        looks: AtomicU32,
        heard: AtomicU32,
        given_up: AtomicU32,
        args_len: usize,
    }

    impl Speaker for Worker {
        fn has_said_more(&self) -> bool {
            self.looks.fetch_add(1, Ordering::Relaxed);
            true
        }

        fn hear(&self) {
            self.heard.fetch_add(1, Ordering::Relaxed);
            if let Some(cell) = self.ends.upgrade() {
                cell.finish(Ok(Payload::default()));
            }
        }

        fn args_len(&self) -> usize {
            self.args_len
        }

        fn stop_waiting(&self) {
            self.given_up.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Awaited<'a>(&'a TaskCell);

    impl Future for Awaited<'_> {
        type Output = TaskEnd;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<TaskEnd> {
            self.0.poll(cx)
        }
    }

    fn poll(cell: &TaskCell) -> Poll<TaskEnd> {
        Pin::new(&mut Awaited(cell)).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn the_first_poll_brings_what_the_worker_says_meanwhile() {
        let cell = Arc::new(TaskCell::pending());
        let worker = Arc::new(Worker {
            ends: Arc::downgrade(&cell),
            ..Worker::default()
        });
        cell.expect_soon(Soon::new(&(Arc::clone(&worker) as Arc<dyn Speaker>)));
        assert!(matches!(poll(&cell), Poll::Ready(Ok(_))));
        assert_eq!(worker.heard.load(Ordering::Relaxed), 1);
        assert_eq!(worker.given_up.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn large_arguments_are_given_the_time_to_be_copied_but_never_more_than_a_wake_up_takes() {
        let limit = |args_len| {
            let worker = Worker {
                args_len,
                ..Worker::default()
            };
            Soon::new(&(Arc::new(worker) as Arc<dyn Speaker>))
                .limit()
                .as_micros()
        };
        assert_eq!([0, 64 << 10, 160 << 10].map(limit), [10, 26, 50]);
        assert_eq!(limit(usize::MAX), 50);
    }

    /// Else the worker would wait in vain with writing it down for who sleeps.
    #[test]
    fn who_goes_to_sleep_says_so_and_stays_awake_once_only() {
        let cell = Arc::new(TaskCell::pending());
        let worker = Arc::new(Worker::default());
        cell.expect_soon(Soon::new(&(Arc::clone(&worker) as Arc<dyn Speaker>)));
        assert!(poll(&cell).is_pending());
        assert_eq!(worker.given_up.load(Ordering::Relaxed), 1);
        let looks = worker.looks.load(Ordering::Relaxed);
        assert!(poll(&cell).is_pending());
        assert_eq!(worker.looks.load(Ordering::Relaxed), looks);
        cell.finish(Ok(Payload::default()));
        assert!(poll(&cell).is_ready());
    }
}
