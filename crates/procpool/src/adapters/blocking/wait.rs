//! Blocking a thread until a future is ready.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Wakes the thread that waits.
///
/// It does not use `std::thread::park`: each thread has one park token, and other code of this thread
/// may need it. It does not use the runtime's `block_on`, which panics in a thread that already drives
/// a runtime.
#[derive(Debug, Default)]
struct ThreadWaker {
    is_woken: Mutex<bool>,
    changed: Condvar,
}

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.is_woken.lock() = true;
        self.changed.notify_one();
    }
}

/// Blocks the thread until the future is ready.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        // Without a deadline, the first call returns the output.
        if let Some(output) = wait_until(future.as_mut(), None) {
            return output;
        }
    }
}

/// Blocks the thread until the future is ready, for at most `limit`. Polls the future at least once.
pub(super) fn wait_timeout<F: Future>(future: Pin<&mut F>, limit: Duration) -> Option<F::Output> {
    // A deadline beyond the range of the clock never comes.
    wait_until(future, Instant::now().checked_add(limit))
}

fn wait_until<F: Future>(mut future: Pin<&mut F>, deadline: Option<Instant>) -> Option<F::Output> {
    let thread = Arc::new(ThreadWaker::default());
    let waker = Waker::from(Arc::clone(&thread));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        let mut is_woken = thread.is_woken.lock();
        while !*is_woken {
            match deadline {
                None => thread.changed.wait(&mut is_woken),
                Some(deadline) => {
                    let is_late = thread
                        .changed
                        .wait_until(&mut is_woken, deadline)
                        .timed_out();
                    if is_late && !*is_woken {
                        return None;
                    }
                }
            }
        }
        *is_woken = false;
    }
}

#[cfg(test)]
mod tests {
    use std::future;
    use std::thread;

    use super::{Duration, pin, wait, wait_timeout};

    #[test]
    fn waiting_does_not_use_the_threads_park_token() {
        thread::current().unpark();
        let (sender, receiver) = futures_channel::oneshot::channel();
        let sender = thread::spawn(move || sender.send(5));
        assert_eq!(wait(receiver), Ok(5));
        assert_eq!(sender.join().expect("it only sends"), Ok(()));
        // This would hang if the token had been used.
        thread::park();
    }

    #[test]
    fn a_limit_of_zero_polls_once() {
        assert_eq!(
            wait_timeout(pin!(future::ready(5)), Duration::ZERO),
            Some(5)
        );
        assert_eq!(
            wait_timeout(pin!(future::pending::<()>()), Duration::ZERO),
            None
        );
    }

    #[test]
    fn a_limit_beyond_the_range_of_the_clock_is_no_limit() {
        assert_eq!(wait_timeout(pin!(future::ready(5)), Duration::MAX), Some(5));
    }
}
