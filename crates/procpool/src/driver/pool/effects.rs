//! What is to be done once the lock is released.

use std::cell::Cell;
use std::io;
use std::sync::Arc;

use futures_channel::oneshot;
use procpool_scheduler::WorkerId;
use procpool_wire::Payload;
use smallvec::SmallVec;

use crate::driver::maps::map_sink::Intake;
use crate::driver::process::kill_switch::KillSwitch;
use crate::driver::transport::link::Link;
use crate::error::TaskError;
use crate::soon::Speaker;
use crate::task::cell::{TaskCell, TaskEnd};
use crate::task::foreign_waker::{answer, answer_nothing};

/// What those are told who waited for something else than a task.
pub(crate) type Told = Result<(), TaskError>;

/// The ways to and from a worker that has ended.
pub(crate) type Retired = (Option<Arc<Link>>, Option<Arc<dyn Speaker>>);

/// Ends of tasks, and where they go.
type Ends = Vec<(Arc<TaskCell>, TaskEnd)>;

/// For so many ends a thread keeps the memory.
const KEPT_ENDS: usize = 1024;

thread_local! {
    /// Memory for ends that this thread has used, and will use again. Were each batch of results to have its own, it would grow on one
    /// thread and be given back on another, and both would fight for the allocator's lock.
    static SPARE_ENDS: Cell<Ends> = const { Cell::new(Vec::new()) };
}

/// System calls, wake-ups and new runtime tasks that follow from the scheduler's actions.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) kill: Vec<Arc<KillSwitch>>,
    pub(crate) flush: SmallVec<[Arc<Link>; 2]>,
    /// Those that have results which are not in the socket.
    pub(crate) collect: Vec<Arc<Link>>,
    pub(crate) spawn: Vec<(WorkerId, Arc<KillSwitch>)>,
    pub(crate) finish: Ends,
    /// What may hold shared memory, which is given back when this is dropped.
    pub(crate) release: Vec<Payload>,
    /// What the pool had of workers that have ended, whose sockets and pages are closed when this is dropped.
    pub(crate) retired: Vec<Retired>,
    /// Maps for which there is something.
    pub(crate) wake: SmallVec<[Arc<Intake>; 2]>,
    /// Those who waited for room and have it now.
    pub(crate) grant: Vec<oneshot::Sender<()>>,
    /// Those who waited for room and will never have it: to drop these tells them.
    pub(crate) deny: Vec<oneshot::Sender<()>>,
    /// Why the timer could not be set.
    pub(crate) timer_error: Option<io::Error>,
    /// Those who waited for all workers, and what they are told.
    pub(crate) tell: Vec<(oneshot::Sender<Told>, Told)>,
}

impl Effects {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        let Effects {
            kill,
            flush,
            collect,
            spawn,
            finish,
            release,
            retired,
            wake,
            grant,
            deny,
            timer_error,
            tell,
        } = self;
        kill.is_empty()
            && flush.is_empty()
            && collect.is_empty()
            && spawn.is_empty()
            && finish.is_empty()
            && release.is_empty()
            && retired.is_empty()
            && wake.is_empty()
            && grant.is_empty()
            && deny.is_empty()
            && timer_error.is_none()
            && tell.is_empty()
    }

    /// Takes all of it, to be applied by this thread.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Effects {
            finish: SPARE_ENDS.try_with(Cell::take).unwrap_or_default(),
            ..Effects::default()
        };
        std::mem::replace(self, empty)
    }

    /// A write to this worker is due, once however often it is asked for.
    pub(crate) fn flush(&mut self, link: &Arc<Link>) {
        if !self.flush.iter().any(|other| Arc::ptr_eq(other, link)) {
            self.flush.push(Arc::clone(link));
        }
    }

    /// This task has returned little.
    #[inline]
    pub(crate) fn finish_returned(&mut self, cell: Arc<TaskCell>, result: &[u8]) {
        self.finish.push((cell, Ok(Payload::default())));
        if let Some((_, Ok(payload))) = self.finish.last_mut() {
            payload.fill(result);
        }
    }

    /// This is not needed any more.
    pub(crate) fn release(&mut self, payload: Payload) {
        if !payload.attached().is_empty() {
            self.release.push(payload);
        }
    }

    /// There is something for this map.
    pub(crate) fn wake(&mut self, intake: &Arc<Intake>) {
        if !self.wake.iter().any(|other| other.same(intake)) {
            self.wake.push(Arc::clone(intake));
        }
    }

    /// Kills come first, so that who learns of a timeout or a cancel finds the work stopped; then
    /// the workers get their next tasks; ends are told last, since that wakes foreign code.
    ///
    /// `supervise` begins the life of a worker, and is told which is the first.
    pub(crate) fn apply(mut self, mut supervise: impl FnMut(WorkerId, Arc<KillSwitch>, bool)) {
        for switch in self.kill {
            switch.pull();
        }
        if let Some(error) = self.timer_error {
            tracing::error!(%error, "procpool: the timer can't be set");
        }
        for link in self.flush {
            link.flush();
        }
        for link in self.collect {
            link.request_collect();
        }
        for (at, (worker, switch)) in self.spawn.into_iter().enumerate() {
            supervise(worker, switch, at == 0);
        }
        for (cell, end) in self.finish.drain(..) {
            cell.finish(end);
        }
        if self.finish.capacity() <= KEPT_ENDS {
            // A thread that ends keeps nothing.
            let _ = SPARE_ENDS.try_with(|spare| spare.set(self.finish));
        }
        for intake in self.wake {
            intake.wake();
        }
        for waiter in self.grant {
            // One that is gone gives its room back when it drops its reservation.
            answer(waiter, ());
        }
        for waiter in self.deny {
            answer_nothing(Some(waiter));
        }
        drop((self.release, self.retired));
        for (waiter, result) in self.tell {
            answer(waiter, result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_uses_its_memory_for_ends_again_unless_it_is_much() {
        for (ends, is_kept) in [(3, true), (KEPT_ENDS + 1, false)] {
            let mut effects = Effects::default();
            let cells: Vec<_> = (0..ends).map(|_| Arc::new(TaskCell::pending())).collect();
            let finished = cells
                .iter()
                .map(|cell| (Arc::clone(cell), Ok(Payload::default())));
            effects.finish.extend(finished);
            effects
                .take()
                .apply(|_, _, _| unreachable!("nothing is to start"));
            assert!(cells.iter().all(|cell| cell.is_finished()));

            let mut next = Effects::default();
            assert!(next.take().is_empty());
            assert_eq!(next.finish.capacity() >= 3, is_kept);
        }
    }

    /// A task that a thread keeps in memory of its own is cancelled when the thread ends, and then that memory may be gone.
    #[test]
    fn a_thread_that_ends_has_none_to_keep() {
        struct Last(Arc<TaskCell>);
        impl Drop for Last {
            fn drop(&mut self) {
                let mut effects = Effects::default();
                let end = Ok(Payload::default());
                effects.finish.push((Arc::clone(&self.0), end));
                effects.take().apply(|_, _, _| ());
            }
        }
        thread_local! {
            static LAST: Cell<Option<Last>> = const { Cell::new(None) };
        }
        let cell = Arc::new(TaskCell::pending());
        let last = Last(Arc::clone(&cell));
        let thread = std::thread::spawn(|| {
            // What is used first is dropped last.
            LAST.set(Some(last));
            Effects::default().take().apply(|_, _, _| ());
        });
        thread.join().unwrap();
        assert!(cell.is_finished());
    }
}
