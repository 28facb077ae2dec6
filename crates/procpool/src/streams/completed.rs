//! The order in which the tasks of a set finish.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Wake, Waker};

use parking_lot::Mutex;

use crate::task::foreign_waker::{discard_waker, is_for, wake};

/// The places of the tasks that have finished and were not taken, in that order, and who waits for
/// the next one.
///
/// Each task wakes a waker of its own, which knows its place. So nothing is searched, whichever
/// task of however many finishes.
#[derive(Debug, Default)]
pub(super) struct Completed(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    places: VecDeque<usize>,
    waiting: Option<Waker>,
}

impl Completed {
    /// What a task in this place is to wake when it finishes.
    pub(super) fn bell(self: &Arc<Self>, place: usize) -> Waker {
        let completed = Arc::clone(self);
        Waker::from(Arc::new(Bell { completed, place }))
    }

    pub(super) fn push(&self, place: usize) {
        let mut content = self.0.lock();
        content.places.push_back(place);
        let waiting = content.waiting.take();
        // A waker runs foreign code, which may well poll the set.
        drop(content);
        if let Some(waiting) = waiting {
            wake(waiting);
        }
    }

    /// The next place; if there is none, the waker is woken when there is.
    pub(super) fn pop(&self, waker: &Waker) -> Option<usize> {
        let mut content = self.0.lock();
        let mut replaced = None;
        if content.places.is_empty() && !is_for(content.waiting.as_ref(), waker) {
            // To clone a waker runs foreign code.
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

    /// Nobody waits any more.
    pub(super) fn forget_waiting(&self) {
        let waiting = self.0.lock().waiting.take();
        discard_waker(waiting);
    }
}

struct Bell {
    completed: Arc<Completed>,
    place: usize,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.completed.push(self.place);
    }
}
