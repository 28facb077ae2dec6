//! The queue that carries the results of a map's items from the driver to the map's consumer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use procpool_scheduler::TaskId;
use procpool_wire::ItemFrames;

use crate::error::TaskError;
use crate::task::foreign_waker::{discard_waker, is_for, wake};

/// Collects the events of a map's chunks, in order.
///
/// The driver pushes events under the pool's lock, and wakes the map's task after it has released the lock.
#[derive(Debug, Default)]
pub(crate) struct MapSink {
    content: Mutex<Content>,
    /// Whether there are events. Another thread may see a change late. That is harmless: a task that took the events and found none is
    /// woken by the next one.
    has_events: AtomicBool,
}

#[derive(Debug, Default)]
struct Content {
    events: Vec<MapEvent>,
    waiting: Option<Waker>,
    /// The map was dropped.
    is_closed: bool,
}

/// An event of a chunk. `chunk` is the number of the chunk's first item in the map.
#[derive(Debug)]
pub(crate) enum MapEvent {
    /// Its next items have returned.
    Returned { chunk: u64, frames: ItemFrames },
    /// Its next `count` items have failed.
    Failed {
        chunk: u64,
        count: u32,
        error: TaskError,
    },
    /// Its last items have become a chunk of their own.
    Split {
        chunk: u64,
        rest: u64,
        count: u32,
        task: TaskId,
    },
    /// A worker has run this many of its items in this time.
    Ran { items: u32, time: Duration },
}

/// The events that the map had not taken when it was closed. The caller must drop this while it holds no lock.
#[derive(Debug)]
pub(crate) struct Unseen {
    pub(crate) events: Vec<MapEvent>,
    waiting: Option<Waker>,
}

impl Drop for Unseen {
    fn drop(&mut self) {
        discard_waker(self.waiting.take());
    }
}

impl MapEvent {
    /// Returns the task of a chunk that was split off. The map does not know this task yet.
    pub(crate) fn task(&self) -> Option<TaskId> {
        match self {
            MapEvent::Split { task, .. } => Some(*task),
            MapEvent::Returned { .. } | MapEvent::Failed { .. } | MapEvent::Ran { .. } => None,
        }
    }
}

impl MapSink {
    pub(crate) fn push(&self, event: MapEvent) {
        let mut content = self.content.lock();
        if !content.is_closed {
            content.events.push(event);
            self.has_events.store(true, Ordering::Relaxed);
        }
    }

    /// Wakes the map's task, if it waits.
    pub(crate) fn wake(&self) {
        let waiting = self.content.lock().waiting.take();
        if let Some(waiting) = waiting {
            wake(waiting);
        }
    }

    /// Returns whether there are probably events to [take](MapSink::take).
    pub(crate) fn has_events(&self) -> bool {
        self.has_events.load(Ordering::Relaxed)
    }

    /// Takes the events. The task that polls is woken when there are more.
    pub(crate) fn take(&self, into: &mut Vec<MapEvent>, cx: &mut Context<'_>) {
        let mut content = self.content.lock();
        let mut replaced = None;
        if !is_for(content.waiting.as_ref(), cx.waker()) {
            // Cloning a waker runs foreign code.
            drop(content);
            let new = cx.waker().clone();
            content = self.content.lock();
            replaced = content.waiting.replace(new);
        }
        std::mem::swap(&mut content.events, into);
        self.has_events.store(false, Ordering::Relaxed);
        drop(content);
        discard_waker(replaced);
    }

    /// Handles that the map was dropped. Returns the events that it has not taken, and its waker. Dropping the waker runs foreign code.
    pub(crate) fn close(&self) -> Unseen {
        let mut content = self.content.lock();
        content.is_closed = true;
        Unseen {
            events: std::mem::take(&mut content.events),
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
