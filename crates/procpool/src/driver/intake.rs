//! What comes of the items of a map, on its way to who takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use procpool_scheduler::TaskId;
use procpool_wire::ItemFrames;

use crate::error::TaskError;

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

    /// Wakes who waits, if anyone does.
    pub(crate) fn wake(&self) {
        let waiting = self.content.lock().waiting.take();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Whether it is worth while to [take](Intake::take) what has come.
    pub(crate) fn has_come(&self) -> bool {
        self.has_come.load(Ordering::Relaxed)
    }

    /// Takes what has come. Who asks is woken when more does.
    pub(crate) fn take(&self, into: &mut Vec<Arrival>, cx: &mut Context<'_>) {
        let mut content = self.content.lock();
        std::mem::swap(&mut content.arrivals, into);
        self.has_come.store(false, Ordering::Relaxed);
        let replaced = match &content.waiting {
            Some(waiting) if waiting.will_wake(cx.waker()) => None,
            _ => content.waiting.replace(cx.waker().clone()),
        };
        drop(content);
        drop(replaced);
    }

    /// Nothing is taken any more: what has come, and nobody has seen.
    pub(crate) fn close(&self) -> Vec<Arrival> {
        let mut content = self.content.lock();
        content.is_closed = true;
        let waiting = content.waiting.take();
        let unseen = std::mem::take(&mut content.arrivals);
        drop(content);
        drop(waiting);
        unseen
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.content.lock().is_closed
    }

    pub(crate) fn same(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other)
    }
}
