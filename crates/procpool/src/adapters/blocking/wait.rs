//! Blocking a thread until a future is ready.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Wakes the thread that waits.
///
/// Not `std::thread::park`: each thread has one token for that, and whoever unparks the thread for
/// the sake of something else would find it taken. Not the runtime's `block_on` either: it panics in
/// a thread that already drives a runtime.
#[derive(Debug, Default)]
struct Bell {
    rang: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.rang.lock() = true;
        self.changed.notify_one();
    }
}

/// Blocks the thread until the future is ready.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        // Without a deadline it is ready at the first try.
        if let Some(output) = wait_until(future.as_mut(), None) {
            return output;
        }
    }
}

/// Blocks the thread until the future is ready, but for `limit` at most. The future is polled once
/// in any case.
pub(super) fn wait_timeout<F: Future>(future: Pin<&mut F>, limit: Duration) -> Option<F::Output> {
    // A moment that the clock can't tell never comes.
    wait_until(future, Instant::now().checked_add(limit))
}

fn wait_until<F: Future>(mut future: Pin<&mut F>, deadline: Option<Instant>) -> Option<F::Output> {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        let mut rang = bell.rang.lock();
        while !*rang {
            match deadline {
                None => bell.changed.wait(&mut rang),
                Some(deadline) => {
                    let in_vain = bell.changed.wait_until(&mut rang, deadline).timed_out();
                    if in_vain && !*rang {
                        return None;
                    }
                }
            }
        }
        *rang = false;
    }
}

#[cfg(test)]
mod tests {
    use std::future;
    use std::thread;

    use super::{Duration, pin, wait, wait_timeout};

    #[test]
    fn waiting_leaves_the_threads_own_park_token_alone() {
        thread::current().unpark();
        let (sender, receiver) = futures_channel::oneshot::channel();
        let sender = thread::spawn(move || sender.send(5));
        assert_eq!(wait(receiver), Ok(5));
        assert_eq!(sender.join().expect("it only sends"), Ok(()));
        // Would hang if the token had been used up.
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
    fn a_limit_beyond_the_end_of_the_clock_is_none() {
        assert_eq!(wait_timeout(pin!(future::ready(5)), Duration::MAX), Some(5));
    }
}
