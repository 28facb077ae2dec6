//! What comes of the items of a map, on its way to who takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use procpool_scheduler::TaskId;
use procpool_wire::ItemFrames;

use crate::error::TaskError;
use crate::task::foreign_waker::{discard_waker, is_for, wake};

/// Where the driver puts what comes of a map's items, in the order in which it comes.
///
/// It is filled under the pool's lock, and who is woken is woken after.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    content: Mutex<Content>,
    /// Something has come that nobody has taken. It may be seen late, but not by who takes and finds nothing.
    has_come: AtomicBool,
}

#[derive(Debug, Default)]
struct Content {
    arrivals: Vec<Arrival>,
    waiting: Option<Waker>,
    /// Nobody takes anything any more.
    is_closed: bool,
}

/// News of a chunk, which is named by the number of its first item.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// Its next items have returned.
    Returned { chunk: u64, frames: ItemFrames },
    /// So many of its next items have failed.
    Failed {
        chunk: u64,
        count: u32,
        error: TaskError,
    },
    /// Its last items are a chunk of their own from now on.
    Divided {
        chunk: u64,
        rest: u64,
        count: u32,
        task: TaskId,
    },
    /// A worker has run so many of its items in that time.
    Ran { items: u32, time: Duration },
}

/// What was left in an intake when it was closed. To be dropped where nothing is locked.
#[derive(Debug)]
pub(crate) struct Unseen {
    pub(crate) arrivals: Vec<Arrival>,
    waiting: Option<Waker>,
}

impl Drop for Unseen {
    fn drop(&mut self) {
        discard_waker(self.waiting.take());
    }
}

impl Arrival {
    /// The task that is told of here first.
    pub(crate) fn task(&self) -> Option<TaskId> {
        match self {
            Arrival::Divided { task, .. } => Some(*task),
            Arrival::Returned { .. } | Arrival::Failed { .. } | Arrival::Ran { .. } => None,
        }
    }
}

impl Intake {
    pub(crate) fn push(&self, arrival: Arrival) {
        let mut content = self.content.lock();
        if !content.is_closed {
            content.arrivals.push(arrival);
            self.has_come.store(true, Ordering::Relaxed);
        }
    }

    /// Wakes the map's task, if it waits.
    pub(crate) fn wake(&self) {
        let waiting = self.content.lock().waiting.take();
        if let Some(waiting) = waiting {
            wake(waiting);
        }
    }

    /// Whether it is worth while to [take](Intake::take) what has come.
    pub(crate) fn has_come(&self) -> bool {
        self.has_come.load(Ordering::Relaxed)
    }

    /// Takes what has come. The task that polls is woken when more comes.
    pub(crate) fn take(&self, into: &mut Vec<Arrival>, cx: &mut Context<'_>) {
        let mut content = self.content.lock();
        let mut replaced = None;
        if !is_for(content.waiting.as_ref(), cx.waker()) {
            // To clone a waker runs foreign code.
            drop(content);
            let new = cx.waker().clone();
            content = self.content.lock();
            replaced = content.waiting.replace(new);
        }
        std::mem::swap(&mut content.arrivals, into);
        self.has_come.store(false, Ordering::Relaxed);
        drop(content);
        discard_waker(replaced);
    }

    /// Nothing is taken any more. Gives what has come and was not taken, and the waker, which runs foreign code when it is
    /// dropped.
    pub(crate) fn close(&self) -> Unseen {
        let mut content = self.content.lock();
        content.is_closed = true;
        Unseen {
            arrivals: std::mem::take(&mut content.arrivals),
            waiting: content.waiting.take(),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.content.lock().is_closed
    }

    pub(crate) fn same(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other)
    }
}
