//! A lock at which one can leave something, rather than wait, for who has entered.

use std::sync::atomic::{AtomicBool, Ordering, fence};

use parking_lot::{Mutex, MutexGuard};

/// A room that one at a time may enter, and messages for who is in there.
///
/// Who only wants to have something done, and no answer, need not wait for a lock that another thread has: that costs
/// both a system call and a wake-up, which is many times the thing itself. So callers from many threads, or one that
/// calls while results arrive, are served together. This is flat combining (Hendler, Incze, Shavit and Tzafrir 2010)
/// with one list for all.
///
/// Whoever enters takes what was left, first of all, unless they see that there [is nothing](Self::is_left), and whoever has
/// left a message or the room then looks [once more](Self::enter_for_left), so that no message is left lying.
#[derive(Debug)]
pub(crate) struct Doorway<T, M> {
    room: Mutex<T>,
    left: Mutex<Vec<M>>,
    is_left: AtomicBool,
}

impl<T, M> Doorway<T, M> {
    pub(crate) fn new(room: T) -> Self {
        Doorway {
            room: Mutex::new(room),
            left: Mutex::default(),
            is_left: AtomicBool::new(false),
        }
    }

    /// Waits until nobody is in the room, and enters.
    #[inline]
    pub(crate) fn enter(&self) -> MutexGuard<'_, T> {
        self.room.lock()
    }

    /// Enters if nobody is in the room.
    #[inline]
    pub(crate) fn try_enter(&self) -> Option<MutexGuard<'_, T>> {
        self.room.try_lock()
    }

    /// Leaves a message. For who could not enter.
    pub(crate) fn leave(&self, message: M) {
        let mut left = self.left.lock();
        left.push(message);
        self.is_left.store(true, Ordering::Relaxed);
    }

    /// Whether anything is left that this thread knows of. For who is in the room: what it has left itself goes before
    /// what it is about to do.
    #[inline]
    pub(crate) fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Relaxed)
    }

    /// Enters if something was left and nobody is in the room, who would see to it.
    #[inline]
    pub(crate) fn enter_for_left(&self) -> Option<MutexGuard<'_, T>> {
        // Either this thread sees what the other has left, or the other sees that this one is not in the room.
        fence(Ordering::SeqCst);
        if self.is_left.load(Ordering::Relaxed) {
            self.room.try_lock()
        } else {
            None
        }
    }

    /// Moves what was left, in order, into `messages`, which is empty. For who is in the room.
    #[inline]
    pub(crate) fn take_left(&self, messages: &mut Vec<M>) {
        if self.is_left.load(Ordering::Relaxed) {
            let mut left = self.left.lock();
            std::mem::swap(&mut *left, messages);
            self.is_left.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Counts in the room what was said in each thread's name, and checks the order.
    fn hear(room: &mut [u32], said: impl IntoIterator<Item = (usize, u32)>) {
        for (thread, number) in said {
            assert_eq!(room[thread], number, "in the order of each thread");
            room[thread] += 1;
        }
    }

    #[test]
    fn whatever_is_said_is_heard_once_and_in_order() {
        const THREADS: usize = 4;
        const EACH: u32 = 50_000;
        let doorway = Doorway::new([0; THREADS]);
        let visit = |thread| {
            for number in 0..EACH {
                match doorway.try_enter() {
                    Some(mut room) if !doorway.is_left() => {
                        hear(&mut *room, [(thread, number)]);
                    }
                    Some(mut room) => {
                        let mut left = Vec::new();
                        doorway.take_left(&mut left);
                        hear(&mut *room, left);
                        hear(&mut *room, [(thread, number)]);
                    }
                    None => doorway.leave((thread, number)),
                }
                while let Some(mut room) = doorway.enter_for_left() {
                    let mut left = Vec::new();
                    doorway.take_left(&mut left);
                    hear(&mut *room, left);
                }
            }
        };
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || visit(thread));
            }
        });
        assert_eq!(*doorway.enter(), [EACH; THREADS]);
    }
}
