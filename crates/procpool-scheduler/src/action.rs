//! What the scheduler has the driver do, and what it answers.

use std::time::{Duration, Instant};

use crate::id::{BroadcastId, ReservationId, TaskId, WarmUpId, WorkerId};

/// Something for the driver to do, at once and in order.
///
/// Each dispatch has a slot and a number, which later actions about it repeat. The slot is one of the worker's control
/// page, less than the window, and not given to another task while this one is in flight. The number tells the dispatch
/// from earlier ones that used the same slot. It is never 0, and never used twice within a pool.
#[derive(Debug)]
pub enum Action<P> {
    /// Start a process. It ends in `handle_ready`, `handle_start_failed` or `handle_exited`.
    Spawn(WorkerId),
    /// Send the task, whose payload is behind `Scheduler::payload_mut`, to the worker.
    Dispatch {
        /// A worker that is ready.
        worker: WorkerId,
        /// The task.
        task: TaskId,
        /// Where the worker claims the task.
        slot: u16,
        /// The number of the dispatch, which is written into the slot.
        dispatch_id: u64,
    },
    /// Take the task back if the worker has not claimed it, and call `handle_revoked` at once, before the next action is
    /// performed.
    ///
    /// This may name a worker whose exit was just reported. So its control page must stay mapped until the actions that
    /// follow `handle_exited` are performed. And it may name a task whose result was reported in the same batch, which
    /// is not taken back.
    Revoke {
        /// The worker that was sent the task.
        worker: WorkerId,
        /// The task.
        task: TaskId,
        /// The slot of the dispatch.
        slot: u16,
        /// The number of the dispatch.
        dispatch_id: u64,
    },
    /// Read on the worker's control page how far it has come with the task, and call `handle_inspected` at once, before
    /// the next action is performed.
    Inspect {
        /// The worker that was sent the task.
        worker: WorkerId,
        /// The task, which has a time limit that may have passed.
        task: TaskId,
        /// The slot of the dispatch.
        slot: u16,
        /// The number of the dispatch.
        dispatch_id: u64,
    },
    /// Look whether the worker has results that it has not sent yet, and handle them.
    Collect(WorkerId),
    /// Take back items of the task that its worker has not begun, and call `handle_split` at once, before the next action
    /// is performed, even if there are none.
    Split {
        /// The worker that was sent the task.
        worker: WorkerId,
        /// The task, which has several items.
        task: TaskId,
        /// The slot of the dispatch.
        slot: u16,
        /// The number of the dispatch.
        dispatch_id: u64,
        /// Take back all of them, and not half.
        all: bool,
    },
    /// Raise the cancel flag that the running function can ask for.
    RequestCancel {
        /// The worker that runs the task.
        worker: WorkerId,
        /// The task, which is resolved already.
        task: TaskId,
        /// The slot of the dispatch.
        slot: u16,
        /// The number of the dispatch.
        dispatch_id: u64,
    },
    /// Ask a worker with nothing to do to exit by itself. `handle_exited` follows. The worker may not be ready yet.
    Stop(WorkerId),
    /// Kill the worker's process group. `handle_exited` or `handle_start_failed` follows.
    Kill(WorkerId),
    /// Tell the caller how its task ended. It is the last action about this task.
    Resolve {
        /// The task.
        task: TaskId,
        /// The payload that was given to `handle_submit`. In a box, since other actions are small, and many.
        payload: Box<P>,
        /// Why there is no result.
        outcome: Outcome,
    },
    /// The caller that asked by `handle_reserve` has room in the queue from now on.
    Grant(ReservationId),
    /// The pool is closed, and the caller will have no room. It is the last action about this reservation.
    Deny(ReservationId),
    /// As many workers are ready as there may be. It is the last action about this warm-up.
    WarmUpDone(WarmUpId),
    /// It is not known when as many workers will be ready as there may be, if ever. It is the last action about this
    /// warm-up.
    WarmUpFailed {
        /// The warm-up.
        warm_up: WarmUpId,
        /// Why it failed.
        error: WarmUpError,
    },
    /// Have the worker run the broadcast, after all that it was sent. `handle_broadcast_ended` follows, in the order of
    /// these actions.
    RunBroadcast {
        /// A worker that is ready.
        worker: WorkerId,
        /// What it is to run.
        broadcast: BroadcastId,
    },
    /// Every worker that was to run the broadcast has run it. Workers that are spawned from now on must run it before they
    /// are ready. It is the last action about this broadcast.
    BroadcastDone(BroadcastId),
    /// The broadcast failed. Workers that are spawned from now on do not run it. It is the last action about this
    /// broadcast.
    BroadcastFailed {
        /// The broadcast.
        broadcast: BroadcastId,
        /// Why it failed.
        error: BroadcastError,
    },
}

/// Why a broadcast failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BroadcastError {
    /// A worker said that it failed.
    Refused {
        /// The worker.
        worker: WorkerId,
    },
    /// A worker died while it was to run it.
    Died {
        /// The worker.
        worker: WorkerId,
    },
    /// A worker took longer than a worker may take to start, and was killed.
    TooSlow {
        /// The worker.
        worker: WorkerId,
    },
    /// The pool is closed.
    Closed,
}

/// Why there are not as many workers as there may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WarmUpError {
    /// A worker failed to start.
    StartFailed {
        /// The worker that failed.
        worker: WorkerId,
    },
    /// The pool is closed.
    Closed,
}

/// How far a worker says that it has come with a task.
///
/// Whatever it says, a task with a time limit ends. [`TaskSpec::items`](crate::TaskSpec::items) says when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunState {
    /// It has not begun the task.
    Unclaimed,
    /// It runs the task.
    Running {
        /// Since when it runs the task, or the latest item of it. A moment in the future is taken for now.
        since: Instant,
    },
    /// It has run the task, and the result is on its way.
    Finished,
}

/// Why a task ended without a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was cancelled.
    Cancelled,
    /// It ran longer than its `timeout`.
    TimedOut {
        /// The `timeout`.
        limit: Duration,
    },
    /// It did not start to run within its `queue_timeout`.
    QueueTimedOut {
        /// The `queue_timeout`.
        limit: Duration,
    },
    /// Its worker died while it ran, and its retries are used up.
    WorkerDied {
        /// The last worker that died while it ran the task.
        worker: WorkerId,
        /// How many workers died while they ran it.
        attempts: u32,
    },
    /// No worker is there to run it, and the last one failed to start.
    StartFailed {
        /// The worker that failed.
        worker: WorkerId,
    },
    /// The pool was terminated.
    Terminated,
}

/// What is to be done with a result.
#[derive(Debug)]
pub enum Finished<P> {
    /// Deliver it. The task is over.
    Resolved(P),
    /// Drop it. The task was resolved before (cancelled, timed out, terminated) while it ran.
    Late,
    /// The worker has no such task: it broke the protocol. Call `handle_faulty`.
    Unknown,
}

/// A task that was not accepted, given back.
#[derive(Debug)]
pub struct Refused<P> {
    /// Why it was not accepted.
    pub reason: RefusedReason,
    /// The payload that was given to `handle_submit`.
    pub payload: P,
}

/// Why a task was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusedReason {
    /// No worker is free and the queue is at capacity, or callers wait for room.
    QueueFull,
    /// The pool was closed or terminated.
    Closed,
}
