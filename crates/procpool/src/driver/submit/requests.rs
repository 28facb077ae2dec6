//! The requests that a pool's handles make.

use std::sync::Arc;
use std::time::Instant;

use futures_channel::oneshot;
use procpool_scheduler::{
    FunctionKey, RefusedReason, ReservationId, TaskId, TaskSpec, TaskState as Phase, WarmUpId,
};

use crate::driver::maps::map_sink::{MapEvent, MapSink};
use crate::driver::pool::core::Core;
use crate::driver::pool::effects::WaiterReply;
use crate::driver::pool::job::Job;
use crate::pool::pool_size::PoolSize;
use crate::task::call::EncodedCall;
use crate::task::cell::TaskCell;
use crate::task::foreign_waker::answer_nothing;
use crate::task::task_state::TaskState;

impl Core {
    /// Submits a task. It uses its reserved room if it has any.
    #[allow(
        clippy::result_large_err,
        reason = "a job that is refused is moved out of the lock, and dropped there"
    )]
    pub(crate) fn submit(
        self: &Arc<Self>,
        spec: TaskSpec,
        job: Job,
        room: Option<ReservationId>,
    ) -> Result<TaskId, RefusedReason> {
        self.with(|state, now| match room {
            Some(room) => state.scheduler.handle_submit_reserved(now, room, spec, job),
            None => state.scheduler.handle_submit(now, spec, job),
        })
        .map_err(|refused| refused.reason)
    }

    /// Returns the reason why a task would be refused now, if it would be.
    pub(crate) fn refusal(self: &Arc<Self>, function: FunctionKey) -> Option<RefusedReason> {
        self.with(|state, now| state.scheduler.refusal(now, function))
    }

    /// Asks for room in the queue. The receiver gets a message when there is room, and is cancelled when the pool is closed.
    /// [`release`](Self::release) must follow, unless the room is used.
    pub(crate) fn reserve(self: &Arc<Self>) -> (ReservationId, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        let id = self.with(|state, now| {
            let id = state.scheduler.handle_reserve(now);
            // The grant may be performed as soon as this closure returns.
            state.waiters.insert(id, sender);
            id
        });
        (id, receiver)
    }

    pub(crate) fn release(self: &Arc<Self>, reservation: ReservationId) {
        let waiter = self.with(|state, now| {
            state.scheduler.handle_release(now, reservation);
            state.waiters.remove(&reservation)
        });
        answer_nothing(waiter);
    }

    /// Changes the size of the pool. Returns false, and changes nothing, if the pool is closed.
    pub(crate) fn resize(self: &Arc<Self>, size: PoolSize) -> bool {
        self.with(|state, now| {
            let is_open = !state.scheduler.is_closed();
            state.scheduler.handle_resize(now, size.min(), size.max());
            is_open
        })
    }

    pub(crate) fn size(self: &Arc<Self>) -> PoolSize {
        let (min, max) = self.with(|state, _| state.scheduler.size());
        PoolSize::new(min, max)
    }

    /// Asks for the maximum number of workers. The receiver gets a message when they are ready, or the error if a start fails.
    /// [`leave_warm_up`](Self::leave_warm_up) must follow.
    pub(crate) fn warm_up(self: &Arc<Self>) -> (WarmUpId, oneshot::Receiver<WaiterReply>) {
        let (sender, receiver) = oneshot::channel();
        let id = self.with(|state, now| {
            let id = state.scheduler.handle_warm_up(now);
            state.warm_ups.insert(id, sender);
            id
        });
        (id, receiver)
    }

    /// Has every present and future worker run a call once. The receiver gets a message when all present workers have run it, or the
    /// error if it failed.
    pub(crate) fn broadcast(self: &Arc<Self>, call: EncodedCall) -> oneshot::Receiver<WaiterReply> {
        let (sender, receiver) = oneshot::channel();
        self.with(|state, now| {
            let id = state.scheduler.handle_broadcast(now);
            // The broadcast must be registered before another worker is spawned.
            state.broadcasts.add(id, call, sender);
        });
        receiver
    }

    pub(crate) fn leave_warm_up(self: &Arc<Self>, warm_up: WarmUpId) {
        let waiter = self.with(|state, now| {
            state.scheduler.handle_leave_warm_up(now, warm_up);
            state.warm_ups.remove(&warm_up)
        });
        answer_nothing(waiter);
    }

    /// Cancels a task at the time `at`, if it has not finished by then. `None` removes an earlier time.
    pub(crate) fn cancel_at(self: &Arc<Self>, cell: &TaskCell, at: Option<Instant>) {
        self.with(|state, now| {
            if let Some(task) = cell.accepted() {
                state.scheduler.handle_cancel_at(now, task, at);
            }
        });
    }

    /// Lets a stream make `more` further items.
    pub(crate) fn allow_items(self: &Arc<Self>, task: TaskId, more: u32) {
        self.with(|state, _| state.allow_items(task, more));
    }

    /// Handles that the consumer of a stream was dropped.
    pub(crate) fn leave_stream(self: &Arc<Self>, sink: &MapSink, task: TaskId) {
        let unseen = self.with(|state, now| {
            state.leave_stream(now, task);
            sink.close()
        });
        drop(unseen);
    }

    /// Handles that the consumer of these chunks' results was dropped.
    pub(crate) fn cancel_items(self: &Arc<Self>, sink: &MapSink, mut chunks: Vec<TaskId>) {
        let unseen = self.with(|state, now| {
            // The consumer does not know the chunks in events that it has not taken: those that were split off.
            let unseen = sink.close();
            chunks.extend(unseen.events.iter().filter_map(MapEvent::task));
            // Cancel the waiting chunks first. Otherwise a worker could start one while another worker is being killed.
            for &chunk in &chunks {
                state.scheduler.handle_cancel_if_queued(now, chunk);
                state.perform(now);
            }
            for &chunk in &chunks {
                state.scheduler.handle_cancel(now, chunk);
                state.perform(now);
            }
            unseen
        });
        drop(unseen);
    }

    pub(crate) fn cancel(self: &Arc<Self>, cell: &TaskCell) {
        self.with(|state, now| {
            if let Some(task) = cell.accepted() {
                state.scheduler.handle_cancel(now, task);
            }
        });
    }

    /// Cancels a task if it has not started. Returns whether it was cancelled.
    pub(crate) fn cancel_if_queued(self: &Arc<Self>, cell: &TaskCell) -> bool {
        self.with(|state, now| {
            let Some(task) = cell.accepted() else {
                return false;
            };
            let was_finished = state.scheduler.state(task) == Phase::Finished;
            state.scheduler.handle_cancel_if_queued(now, task);
            state.perform(now);
            !was_finished && state.scheduler.state(task) == Phase::Finished
        })
    }

    /// Cancels all tasks that have not started. Returns how many.
    pub(crate) fn cancel_queued(self: &Arc<Self>) -> usize {
        self.with(|state, now| {
            let before = state.scheduler.open_tasks();
            state.scheduler.handle_cancel_queued(now);
            state.perform(now);
            before - state.scheduler.open_tasks()
        })
    }

    pub(crate) fn task_state(self: &Arc<Self>, cell: &TaskCell) -> TaskState {
        self.with(|state, _| match cell.accepted() {
            Some(task) => state.task_state(task),
            None => TaskState::Finished,
        })
    }

    /// The progress that a running task has reported.
    pub(crate) fn progress(self: &Arc<Self>, cell: &TaskCell) -> Option<(u64, u64)> {
        self.with(|state, _| state.progress(cell.accepted()?))
    }
}
