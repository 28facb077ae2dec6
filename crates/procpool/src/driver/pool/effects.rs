//! Work that a thread does after it has released the pool's lock.

use std::io;
use std::sync::Arc;

use futures_channel::oneshot;
use procpool_scheduler::WorkerId;
use procpool_wire::Payload;
use smallvec::SmallVec;

use crate::driver::maps::map_sink::MapSink;
use crate::driver::process::kill_switch::KillSwitch;
use crate::driver::transport::link::Link;
use crate::error::TaskError;
use crate::spin_wait::ResultSource;
use crate::task::cell::{TaskCell, TaskEnd};
use crate::task::foreign_waker::{answer, answer_nothing};

/// The answer to a caller that waits for a warm pool or a broadcast.
pub(crate) type WaiterReply = Result<(), TaskError>;

/// A worker that is to be started, and the switch that ends it.
pub(crate) type SpawnRequest = (WorkerId, Arc<KillSwitch>);

/// The link and the result source of a worker that has ended.
pub(crate) type Retired = (Option<Arc<Link>>, Option<Arc<dyn ResultSource>>);

/// Payloads of up to 8 KiB were copied, so the library, and not the user, allocated their memory.
const SMALL: usize = 8 << 10;

/// System calls, wake-ups and spawns that follow from the scheduler's actions.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) kill: Vec<Arc<KillSwitch>>,
    pub(crate) flush: SmallVec<[Arc<Link>; 2]>,
    /// Workers that may hold results back. The parent reads these from the spool.
    pub(crate) collect: Vec<Arc<Link>>,
    pub(crate) spawn: Vec<SpawnRequest>,
    pub(crate) finish: Vec<(Arc<TaskCell>, TaskEnd)>,
    /// Payloads that are no longer needed. Dropping them may run the user's code or make system calls.
    pub(crate) release: Vec<Payload>,
    /// The sockets and control pages of workers that have ended. Dropping them closes them.
    pub(crate) retired: Vec<Retired>,
    /// Maps that have new events.
    pub(crate) wake: SmallVec<[Arc<MapSink>; 2]>,
    /// Callers that waited for room in the queue and have got it.
    pub(crate) grant: Vec<oneshot::Sender<()>>,
    /// Callers that waited for room in the queue and will not get it, since the pool is closed.
    pub(crate) deny: Vec<oneshot::Sender<()>>,
    /// The error if the timer could not be set.
    pub(crate) timer_error: Option<io::Error>,
    /// Callers that waited for a warm pool or a broadcast, and their answers.
    pub(crate) replies: Vec<(oneshot::Sender<WaiterReply>, WaiterReply)>,
}

impl Effects {
    /// Returns whether there is no effect.
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
            replies,
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
            && replies.is_empty()
    }

    /// Takes all effects.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Adds the flush of a worker's outbox, unless it is already added.
    pub(crate) fn flush(&mut self, link: &Arc<Link>) {
        if !self.flush.iter().any(|other| Arc::ptr_eq(other, link)) {
            self.flush.push(Arc::clone(link));
        }
    }

    /// Adds the result of a task, which is small.
    #[inline]
    pub(crate) fn finish_returned(&mut self, cell: Arc<TaskCell>, result: &[u8]) {
        self.finish.push((cell, Ok(Payload::default())));
        if let Some((_, Ok(payload))) = self.finish.last_mut() {
            payload.fill(result);
        }
    }

    /// Drops a small payload now, and a large one after the lock is released.
    ///
    /// Dropping a large payload may run the user's code, if the user's type owns the bytes, or return much memory to the kernel.
    pub(crate) fn release(&mut self, payload: Payload) {
        if payload.len() > SMALL || !payload.attached().is_empty() {
            self.release.push(payload);
        }
    }

    /// Adds the wake-up of a map's task, unless it is already added.
    pub(crate) fn wake(&mut self, sink: &Arc<MapSink>) {
        if !self.wake.iter().any(|other| other.same(sink)) {
            self.wake.push(Arc::clone(sink));
        }
    }

    /// Performs all effects. `spawn` starts a worker.
    ///
    /// Kills come first: when a caller gets a timeout or a cancellation, the function has stopped. Then the workers get their next
    /// tasks. Results and errors come last, since waking their tasks runs foreign code.
    pub(crate) fn apply(self, spawn: impl FnMut(SpawnRequest)) {
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
        self.spawn.into_iter().for_each(spawn);
        for (cell, end) in self.finish {
            cell.finish(end);
        }
        for sink in self.wake {
            sink.wake();
        }
        for waiter in self.grant {
            // If the caller has dropped its future, the drop has released the room.
            answer(waiter, ());
        }
        for waiter in self.deny {
            answer_nothing(Some(waiter));
        }
        drop((self.release, self.retired));
        for (waiter, result) in self.replies {
            answer(waiter, result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a `Vec` is the whole argument it is not copied; else it is.
    #[test]
    fn a_payload_that_is_the_users_own_memory_is_not_dropped_under_the_lock() {
        let mut effects = Effects::default();
        effects.release(Payload::default());
        assert!(effects.is_empty());
        let large = Payload::of_bytes(vec![7_u8; 1 << 20]).expect("it is not copied");
        effects.release(large);
        assert_eq!(effects.release.len(), 1);
        assert!(
            Payload::of_bytes(vec![7_u8; SMALL]).is_err(),
            "it is copied"
        );
    }
}
