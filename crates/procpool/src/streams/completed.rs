//! The order in which the tasks of a set finish.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Wake, Waker};

use parking_lot::Mutex;

use crate::task::foreign_waker::{discard_waker, is_for, wake};

/// The places of the finished tasks that were not taken, in the order in which they finished, and the
/// waker of the set.
///
/// Each task wakes a waker of its own, which knows the task's place. So finding the next finished task
/// takes the same time whatever the number of tasks.
#[derive(Debug, Default)]
pub(super) struct Completed(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    places: VecDeque<usize>,
    waiting: Option<Waker>,
}

impl Completed {
    /// Returns the waker that records that the task in this place has finished.
    pub(super) fn waker(self: &Arc<Self>, place: usize) -> Waker {
        let completed = Arc::clone(self);
        Waker::from(Arc::new(TaskWaker { completed, place }))
    }

    pub(super) fn push(&self, place: usize) {
        let mut content = self.0.lock();
        content.places.push_back(place);
        let waiting = content.waiting.take();
        // A waker is foreign code and may poll the set, so it is woken outside the lock.
        drop(content);
        if let Some(waiting) = waiting {
            wake(waiting);
        }
    }

    /// Takes the next place. If there is none, the next one wakes `waker`.
    pub(super) fn pop(&self, waker: &Waker) -> Option<usize> {
        let mut content = self.0.lock();
        let mut replaced = None;
        if content.places.is_empty() && !is_for(content.waiting.as_ref(), waker) {
            // The clone of a waker is foreign code, so it is made outside the lock.
            drop(content);
            let new = waker.clone();
            content = self.0.lock();
            replaced = content.waiting.replace(new);
        }
        let place = content.places.pop_front();
        drop(content);
        discard_waker(replaced);
        place
    }

    /// Drops the waker of the set.
    pub(super) fn forget_waiting(&self) {
        let waiting = self.0.lock().waiting.take();
        discard_waker(waiting);
    }
}

/// Records that the task in one place has finished.
struct TaskWaker {
    completed: Arc<Completed>,
    place: usize,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.completed.push(self.place);
    }
}
