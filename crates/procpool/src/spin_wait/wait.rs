//! The wait of a thread that spins for a result.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::result_source::ResultSource;

/// Spins for the result of a short task, once.
///
/// Waking a thread that sleeps takes some 25 µs on an idle machine. A thread that spins takes the result from shared memory sooner.
/// Meanwhile the worker does not write the result to the socket, since the write could wake another thread for nothing.
#[derive(Debug)]
pub(crate) struct SpinWait {
    source: Arc<dyn ResultSource>,
    /// In microseconds, as a small type, because every waiting task stores it.
    limit: u32,
}

impl SpinWait {
    /// Spins for `limit` at most.
    pub(crate) fn new(source: &Arc<dyn ResultSource>, limit: Duration) -> Self {
        SpinWait {
            source: Arc::clone(source),
            limit: u32::try_from(limit.as_micros()).unwrap_or(u32::MAX),
        }
    }

    /// Handles the worker's results until the awaited one is there, or the time is over.
    pub(crate) fn spin(&self, is_there: impl Fn() -> bool) {
        let began = Instant::now();
        let limit = Duration::from_micros(self.limit.into());
        while !is_there() {
            if self.source.has_more() {
                self.source.handle_more();
                if is_there() {
                    return;
                }
            }
            // Check the time even if the worker claims to have more results: the claim may be false.
            if began.elapsed() >= limit {
                return self.source.stop_spinning();
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

    /// It always has more: the end of this task, or nothing at all.
    #[derive(Debug, Default)]
    struct Worker {
        ends: Weak<TaskCell>,
        looks: AtomicU32,
        handled: AtomicU32,
        stopped: AtomicU32,
    }

    impl ResultSource for Worker {
        fn has_more(&self) -> bool {
            self.looks.fetch_add(1, Ordering::Relaxed);
            true
        }

        fn handle_more(&self) {
            self.handled.fetch_add(1, Ordering::Relaxed);
            if let Some(cell) = self.ends.upgrade() {
                cell.finish(Ok(Payload::default()));
            }
        }

        fn stop_spinning(&self) {
            self.stopped.fetch_add(1, Ordering::Relaxed);
        }
    }

    const LIMIT: Duration = Duration::from_micros(10);

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
    fn the_first_poll_handles_the_result_that_arrives_meanwhile() {
        let cell = Arc::new(TaskCell::pending());
        let worker = Arc::new(Worker {
            ends: Arc::downgrade(&cell),
            ..Worker::default()
        });
        let source = Arc::clone(&worker) as Arc<dyn ResultSource>;
        cell.expect_spin(SpinWait::new(&source, LIMIT));
        assert!(matches!(poll(&cell), Poll::Ready(Ok(_))));
        assert_eq!(worker.handled.load(Ordering::Relaxed), 1);
        assert_eq!(worker.stopped.load(Ordering::Relaxed), 0);
    }

    /// Otherwise the worker would hold its results back for a thread that sleeps.
    #[test]
    fn a_thread_that_goes_to_sleep_tells_the_worker_and_spins_only_once() {
        let cell = Arc::new(TaskCell::pending());
        let worker = Arc::new(Worker::default());
        let source = Arc::clone(&worker) as Arc<dyn ResultSource>;
        cell.expect_spin(SpinWait::new(&source, LIMIT));
        assert!(poll(&cell).is_pending());
        assert_eq!(worker.stopped.load(Ordering::Relaxed), 1);
        let looks = worker.looks.load(Ordering::Relaxed);
        assert!(poll(&cell).is_pending());
        assert_eq!(worker.looks.load(Ordering::Relaxed), looks);
        cell.finish(Ok(Payload::default()));
        assert!(poll(&cell).is_ready());
    }
}
