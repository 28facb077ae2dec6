//! What the scheduler wants done, and what it answers.

use std::time::{Duration, Instant};

use crate::id::{BroadcastId, ReservationId, TaskId, WarmUpId, WorkerId};

/// Something for the driver to do, at once and in order.
#[derive(Debug)]
pub enum Action<P> {
    /// Start a process. Ends in `handle_ready`, `handle_start_failed` or `handle_exited`.
    Spawn(WorkerId),
    /// Send the task, whose payload is behind `Scheduler::payload_mut`, to the worker.
    Dispatch {
        /// A worker that is ready.
        worker: WorkerId,
        /// The task.
        task: TaskId,
        /// The slot of the worker's control page where it claims the task. Less than the window,
        /// and not given to another task while this one is in flight.
        slot: u16,
        /// Written into the slot, so that the worker can tell this dispatch from an earlier one
        /// that used the same slot. Never reused within a pool; never 0.
        dispatch_id: u64,
    },
    /// Take the task back if the worker has not claimed it, and call `handle_revoked` at once, before
    /// the next action is performed. May name a worker whose exit was just reported: its control page must
    /// stay mapped until the actions that followed `handle_exited` are performed. And a task that was answered in the
    /// same batch, which is not taken back.
    Revoke {
        /// The worker that was sent the task.
        worker: WorkerId,
        /// The task.
        task: TaskId,
        /// Of the dispatch.
        slot: u16,
        /// Of the dispatch.
        dispatch_id: u64,
    },
    /// See on the worker's control page how far it has come with the task, and call `handle_inspected` at
    /// once, before the next action is performed.
    Inspect {
        /// The worker that was sent the task.
        worker: WorkerId,
        /// The task, which has a time limit that may have passed.
        task: TaskId,
        /// Of the dispatch.
        slot: u16,
        /// Of the dispatch.
        dispatch_id: u64,
    },
    /// See whether the worker has results that it has not sent yet, and handle them.
    Collect(WorkerId),
    /// Take back items of the task that its worker has not begun, and call `handle_shortened` at once, before the
    /// next action is performed, also if there are none.
    Shorten {
        /// The worker that was sent the task.
        worker: WorkerId,
        /// The task, which has several items.
        task: TaskId,
        /// Of the dispatch.
        slot: u16,
        /// Of the dispatch.
        dispatch_id: u64,
        /// All of them, and not half.
        all: bool,
    },
    /// Raise the cancel flag that the running function can ask for.
    RequestCancel {
        /// The worker that runs the task.
        worker: WorkerId,
        /// The task, already resolved.
        task: TaskId,
        /// Of the dispatch.
        slot: u16,
        /// Of the dispatch.
        dispatch_id: u64,
    },
    /// Ask a worker with nothing to do to exit by itself; `handle_exited` follows. It may not be
    /// ready yet.
    Stop(WorkerId),
    /// Kill the worker's process group; `handle_exited` (or `handle_start_failed`) follows.
    Kill(WorkerId),
    /// Tell the caller how its task ended. Nothing more is said of this task.
    Resolve {
        /// The task.
        task: TaskId,
        /// What was given to `handle_submit`. In a box, since actions of other kinds are small, and many.
        payload: Box<P>,
        /// Why there is no result.
        outcome: Outcome,
    },
    /// The one who asked by `handle_reserve` has room in the queue from now on.
    Grant(ReservationId),
    /// The pool is closed: who waited for room will have none. Nothing more is said of this reservation.
    Deny(ReservationId),
    /// As many workers are ready as there may be. Nothing more is said of this warm-up.
    Warm(WarmUpId),
    /// It is not known when, if ever, as many workers are ready as there may be. Nothing more is said
    /// of this warm-up.
    NotWarm {
        /// Of the one who waits.
        warm_up: WarmUpId,
        /// Why.
        why: Cold,
    },
    /// Have the worker run the broadcast, after all that it was sent; `handle_briefed` follows, in the order in
    /// which these are given.
    Brief {
        /// A worker that is ready.
        worker: WorkerId,
        /// What it is to run.
        broadcast: BroadcastId,
    },
    /// Every worker that was to run it has, and those that are spawned from now on must run it before they are
    /// ready. Nothing more is said of this broadcast.
    Spread(BroadcastId),
    /// It went wrong: those that are spawned from now on do not run it. Nothing more is said of it.
    NotSpread {
        /// What was to be run.
        broadcast: BroadcastId,
        /// Why it was not.
        why: Unspread,
    },
}

/// Why a broadcast went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unspread {
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
    /// A worker took longer than one may take to start, and was killed.
    TooSlow {
        /// The worker.
        worker: WorkerId,
    },
    /// The pool is closed.
    Closed,
}

/// Why there are not as many workers as there may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cold {
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
/// Whatever it says, a task with a time limit ends: see [`TaskSpec::items`](crate::TaskSpec::items).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It has not begun it.
    Unclaimed,
    /// It runs it.
    Running {
        /// Since when it runs it, or the latest item of it. A moment in the future is taken for now.
        since: Instant,
    },
    /// It has run it, and the result is on its way.
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
        /// The last worker that died of it.
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

/// What a finished message was.
#[derive(Debug)]
pub enum Finished<P> {
    /// The result of an awaited task: deliver it. The task is over.
    Resolved(P),
    /// The task was resolved before (cancelled, timed out, terminated) while it ran: drop the result.
    Late,
    /// The worker has no such task: it broke the protocol. Call `handle_faulty`.
    Unknown,
}

/// A task that was not accepted, given back.
#[derive(Debug)]
pub struct Refused<P> {
    /// Why.
    pub reason: RefusedReason,
    /// What was given to `handle_submit`.
    pub payload: P,
}

/// Why a task was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusedReason {
    /// No worker is free and the queue is at capacity, or others wait for room.
    QueueFull,
    /// The pool was closed or terminated.
    Closed,
}
