//! Wakers of the user's runtime: foreign code, which may do anything.
//!
//! Cloning, waking and dropping a waker runs code of another crate. That code may poll or abort a task, so no lock is
//! held meanwhile. It may panic. The thread that wakes it has more to do, and other tasks depend on that, so the panic
//! ends here.

use std::task::Waker;

use futures_channel::oneshot;

use crate::task::catch::catch_logged;

/// Whether this waker is registered already. Runs no foreign code.
#[inline]
pub(crate) fn is_for(registered: Option<&Waker>, waker: &Waker) -> bool {
    registered.is_some_and(|registered| registered.will_wake(waker))
}

/// Wakes it. A panic is logged.
#[inline]
pub(crate) fn wake(waker: Waker) {
    catch_logged("a waker panicked", || waker.wake());
}

/// Drops a waker that is not needed any more. A panic is logged.
#[inline]
pub(crate) fn discard_waker(waker: Option<Waker>) {
    if let Some(waker) = waker {
        catch_logged("the `Drop` of a waker panicked", || drop(waker));
    }
}

/// Sends an answer to a future of the user's, and so wakes its task. A panic is logged.
pub(crate) fn answer<T>(waiter: oneshot::Sender<T>, answer: T) {
    catch_logged("a waker panicked", || {
        // A future that was dropped needs no answer.
        let _ = waiter.send(answer);
    });
}

/// Tells a future of the user's that no answer will come, and so wakes its task. A panic is logged.
pub(crate) fn answer_nothing<T>(waiter: Option<oneshot::Sender<T>>) {
    catch_logged("a waker panicked", || drop(waiter));
}
