//! A lock whose holder also handles the inputs that other threads have enqueued.

use std::sync::atomic::{AtomicBool, Ordering, fence};

use parking_lot::{Mutex, MutexGuard};

/// A lock around a state, and a queue of inputs for the thread that holds it.
///
/// A thread that needs no answer does not wait while another thread holds the lock. Waiting costs a system call and a wake-up,
/// which take many times as long as handling the input. The thread enqueues its input, and the lock holder handles it.
/// This is flat combining (Hendler, Incze, Shavit and Tzafrir 2010) with one queue for all threads.
///
/// These rules ensure that every input is handled:
/// - A thread that has locked the state first takes the [pending inputs](Self::take_pending), if there
///   [are any](Self::has_pending).
/// - A thread that has enqueued an input, or has unlocked the state, then [checks for pending inputs](Self::lock_if_pending).
#[derive(Debug)]
pub(crate) struct CombiningLock<T, I> {
    state: Mutex<T>,
    pending: Mutex<Vec<I>>,
    has_pending: AtomicBool,
}

impl<T, I> CombiningLock<T, I> {
    pub(crate) fn new(state: T) -> Self {
        CombiningLock {
            state: Mutex::new(state),
            pending: Mutex::default(),
            has_pending: AtomicBool::new(false),
        }
    }

    /// Locks the state. Waits while another thread has it locked.
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.state.lock()
    }

    /// Locks the state unless another thread holds the lock.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.state.try_lock()
    }

    /// Enqueues an input. For a thread that could not lock the state.
    pub(crate) fn enqueue(&self, input: I) {
        let mut pending = self.pending.lock();
        pending.push(input);
        self.has_pending.store(true, Ordering::Relaxed);
    }

    /// Returns whether an input is pending, as far as this thread sees. The lock holder checks this before it handles an input of its
    /// own, since inputs that the same thread has enqueued earlier come first.
    #[inline]
    pub(crate) fn has_pending(&self) -> bool {
        self.has_pending.load(Ordering::Relaxed)
    }

    /// Locks the state if an input is pending, unless another thread holds the lock. That thread handles the input.
    #[inline]
    pub(crate) fn lock_if_pending(&self) -> Option<MutexGuard<'_, T>> {
        // Either this thread sees the input that another thread has enqueued, or that thread sees that the state is unlocked.
        fence(Ordering::SeqCst);
        if self.has_pending.load(Ordering::Relaxed) {
            self.state.try_lock()
        } else {
            None
        }
    }

    /// Moves the pending inputs, in order, into `inputs`, which must be empty. For the lock holder.
    #[inline]
    pub(crate) fn take_pending(&self, inputs: &mut Vec<I>) {
        if self.has_pending.load(Ordering::Relaxed) {
            let mut pending = self.pending.lock();
            std::mem::swap(&mut *pending, inputs);
            self.has_pending.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Counts the inputs of each thread, and checks their order.
    fn handle(counts: &mut [u32], inputs: impl IntoIterator<Item = (usize, u32)>) {
        for (thread, number) in inputs {
            assert_eq!(counts[thread], number, "in the order of each thread");
            counts[thread] += 1;
        }
    }

    #[test]
    fn each_input_is_handled_once_and_in_order() {
        const THREADS: usize = 4;
        const EACH: u32 = 50_000;
        let lock = CombiningLock::new([0; THREADS]);
        let run = |thread| {
            for number in 0..EACH {
                match lock.try_lock() {
                    Some(mut counts) if !lock.has_pending() => {
                        handle(&mut *counts, [(thread, number)]);
                    }
                    Some(mut counts) => {
                        let mut inputs = Vec::new();
                        lock.take_pending(&mut inputs);
                        handle(&mut *counts, inputs);
                        handle(&mut *counts, [(thread, number)]);
                    }
                    None => lock.enqueue((thread, number)),
                }
                while let Some(mut counts) = lock.lock_if_pending() {
                    let mut inputs = Vec::new();
                    lock.take_pending(&mut inputs);
                    handle(&mut *counts, inputs);
                }
            }
        };
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || run(thread));
            }
        });
        assert_eq!(*lock.lock(), [EACH; THREADS]);
    }
}
