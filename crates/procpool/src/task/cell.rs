//! The cell into which the driver puts the end of a task (its result or error), and from which the [`Task`](crate::Task) takes it.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use procpool_scheduler as scheduler;
use procpool_wire::Payload;

use crate::error::TaskError;
use crate::spin_wait::SpinWait;
use crate::task::foreign_waker::{discard_waker, is_for, wake};
use crate::task::task_id::TaskId;

/// The end of a task: its encoded result, or an error.
///
/// The error is boxed, since every waiting task reserves memory for its end.
pub(crate) type TaskEnd = Result<Payload, Box<TaskError>>;

/// Holds the end of one task, once.
///
/// It is not a `tokio::sync::oneshot`: that spends the runtime's cooperative budget when it is
/// polled, and `join_all` over very many of them takes quadratic time.
#[derive(Debug)]
pub(crate) struct TaskCell {
    id: TaskId,
    /// The scheduler's id of the task; `UNKNOWN` until the task is accepted.
    accepted: AtomicU64,
    content: Mutex<Content>,
}

/// No task has this id: it would be the last generation of the last place in the scheduler's table.
const UNKNOWN: u64 = u64::MAX;

#[derive(Debug)]
enum Content {
    Pending {
        waker: Option<Waker>,
        /// The spin with which the first poll begins, if the result may be near.
        spin: Option<SpinWait>,
    },
    Finished(TaskEnd),
    Taken,
}

impl TaskCell {
    pub(crate) fn pending() -> Self {
        TaskCell::new(Content::Pending {
            waker: None,
            spin: None,
        })
    }

    pub(crate) fn finished(end: TaskEnd) -> Self {
        TaskCell::new(Content::Finished(end))
    }

    fn new(content: Content) -> Self {
        TaskCell {
            id: TaskId::next(),
            accepted: AtomicU64::new(UNKNOWN),
            content: Mutex::new(content),
        }
    }

    /// Returns the task's id for its user.
    pub(crate) fn id(&self) -> TaskId {
        self.id
    }

    /// Records that the pool has accepted the task, and the scheduler's id of the task.
    pub(crate) fn accept(&self, task: scheduler::TaskId) {
        self.accepted.store(task.as_u64(), Ordering::Relaxed);
    }

    /// Returns the scheduler's id of the task, if the task was accepted. The caller must hold the pool's lock: its holder has already
    /// accepted all pending tasks.
    pub(crate) fn accepted(&self) -> Option<scheduler::TaskId> {
        let task = self.accepted.load(Ordering::Relaxed);
        (task != UNKNOWN).then(|| scheduler::TaskId::from_u64(task))
    }

    /// Stores the end and wakes the task that awaits it. Later calls do nothing.
    #[inline]
    pub(crate) fn finish(&self, end: TaskEnd) {
        let mut content = self.content.lock();
        if let Content::Pending { .. } = &*content {
            let before = mem::replace(&mut *content, Content::Finished(end));
            // A waker runs foreign code, which may poll the task.
            drop(content);
            if let Content::Pending {
                waker: Some(waker), ..
            } = before
            {
                wake(waker);
            }
        }
    }

    /// Registers a waker for the end of the task. Returns whether the end is already stored; then the waker is not woken.
    pub(crate) fn watch(&self, waker: Waker) -> bool {
        let mut content = self.content.lock();
        let replaced = match &mut *content {
            Content::Pending { waker: waiting, .. } => waiting.replace(waker),
            Content::Finished(_) | Content::Taken => return true,
        };
        drop(content);
        discard_waker(replaced);
        false
    }

    pub(crate) fn is_finished(&self) -> bool {
        !matches!(*self.content.lock(), Content::Pending { .. })
    }

    /// Lets the first poll begin with a spin for the result.
    pub(crate) fn expect_spin(&self, wait: SpinWait) {
        if let Content::Pending { spin, .. } = &mut *self.content.lock() {
            *spin = Some(wait);
        }
    }

    /// Takes the end. After that, returns [`TaskError::Cancelled`].
    #[inline]
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<TaskEnd> {
        let mut content = self.content.lock();
        if let Content::Pending { spin, .. } = &mut *content
            && let Some(spin) = spin.take()
        {
            drop(content);
            spin.spin(|| self.is_finished());
            content = self.content.lock();
        }
        let mut replaced = None;
        if let Content::Pending { waker, .. } = &*content
            && !is_for(waker.as_ref(), cx.waker())
        {
            // Cloning or dropping a waker runs foreign code, which may abort the task.
            drop(content);
            let new = cx.waker().clone();
            content = self.content.lock();
            replaced = match &mut *content {
                Content::Pending { waker, .. } => waker.replace(new),
                Content::Finished(_) | Content::Taken => Some(new),
            };
        }
        if let Content::Pending { .. } = &*content {
            drop(content);
            discard_waker(replaced);
            return Poll::Pending;
        }
        let taken = mem::replace(&mut *content, Content::Taken);
        drop(content);
        discard_waker(replaced);
        Poll::Ready(match taken {
            Content::Finished(end) => end,
            Content::Taken | Content::Pending { .. } => Err(Box::new(TaskError::Cancelled)),
        })
    }
}
