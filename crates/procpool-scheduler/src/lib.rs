//! Makes every decision of a process pool, as a state machine without I/O, clock or threads.
//!
//! A driver owns the processes, the sockets and the clock. It tells a [`Scheduler`] what happened, by the `handle_*`
//! inputs, each with the moment `now`. It performs the actions that [`poll_action`](Scheduler::poll_action) gives, and
//! calls [`handle_tick`](Scheduler::handle_tick) when [`next_deadline`](Scheduler::next_deadline) has come. So every
//! promise about cancelling, limits, deaths and restarts can be tested in virtual time, without a process.
//!
//! # Code map
//!
//! | folder | contents |
//! |---|---|
//! | `policy` | what is decided: prefetch, queue order, pool size, recycling, run times; and every constant (`tuning`) |
//! | `protocol` | how a decision is carried out: inputs, dispatch, revocation, time limits, a worker's life |
//! | `state` | what is known: tasks, workers, timers, counts |
//!
//! # What the driver must do
//!
//! - After each input, perform all actions at once and in order, before the next event is handled.
//!   Performing an action may itself be an input. [`Action::Revoke`] is answered by
//!   [`handle_revoked`](Scheduler::handle_revoked) before the next action is polled,
//!   [`Action::Inspect`] by [`handle_inspected`](Scheduler::handle_inspected), and [`Action::Split`] by
//!   [`handle_split`](Scheduler::handle_split). A spawn that fails at once is reported at once. The actions that this
//!   adds come after those that are already there.
//! - Inputs that happened together may be given between [`begin_batch`](Scheduler::begin_batch) and
//!   [`end_batch`](Scheduler::end_batch). Their actions are performed after the latter.
//! - Report the results that were received from a worker before the worker's exit, and keep the worker's control page
//!   until the actions that follow the exit are performed.
//!
//! # A task
//!
//! ```text
//!              handle_submit
//!                    │
//!                    ▼     Dispatch          claimed by its worker
//!     ┌────────── Queued ───────────▶ Sent ─────────────────────▶ Running
//!     │              ▲                 │ │                         │  │ │
//!     │ cancel,      │  Revoke: taken  │ │ cancel, queue limit:    │  │ │ cancel, time limit
//!     │ queue limit, └─────────────────┘ │ Revoke: taken           │  │ ▼
//!     │ no worker    │                   │                         │  │ Kill or RequestCancel
//!     │ can start    └───────────────────┼──── its worker died, ───┘  │ │
//!     │                                  │     retries are left       │ │
//!     ▼                                  ▼                            ▼ ▼
//!  Resolve                            Resolve     finished, or its worker died: Resolve
//! ```
//!
//! The scheduler cannot see the step from sent to running: the worker makes it alone, by claiming the task in memory
//! that it shares with the driver. So a decision that depends on this step tries to revoke the task. A revocation that
//! succeeds proves that the task never ran, and one that fails proves that it began.
//!
//! A time limit counts from that step too, and the worker alone knows when it was. So when the limit has passed since
//! the dispatch, the driver reads what the worker has written down ([`Action::Inspect`]), and the scheduler waits for
//! the rest of the limit.
//!
//! A task that is resolved while it runs stays in flight, without payload, until its worker finishes it or is gone. So a
//! worker in a cancel grace is busy.
//!
//! Before all this there may be a reservation: `handle_reserve` asks for room in the queue, [`Action::Grant`] gives it in
//! the order of arrival, and `handle_submit_reserved` uses it.
//!
//! # A worker
//!
//! ```text
//!             Spawn           handle_ready             Stop              handle_exited
//!   (wanted) ───────▶ Starting ───────────▶ Ready ────────────▶ Stopping ─────────────▶ (gone)
//!                        │          idle or busy, FIFO of          │                      ▲
//!                        │ too slow       │ tasks in flight        │ too slow             │
//!                        │                ▼ a task must be killed  ▼                      │
//!                        └─────────────▶ Dying ◀───────────────────┘ ────────────────────┘
//! ```
//!
//! A ready worker that has yet to run a broadcast takes no task. With nothing in flight, it is neither idle nor busy.
//!
//! A worker that dies by itself, whatever its state, goes straight to gone, once the driver has said which of its tasks
//! had begun. How many workers are missing is computed after each input from the work and the workers that there are.
#![forbid(unsafe_code)]

mod action;
mod config;
mod id;
mod level;
mod policy;
mod protocol;
mod spec;
mod state;

pub use action::{
    Action, BroadcastError, Finished, Outcome, Refused, RefusedReason, RunState, WarmUpError,
};
pub use config::{Backoff, Config};
pub use id::{
    AffinityKey, BroadcastId, FunctionKey, ReservationId, ShareKey, TaskId, WarmUpId, WorkerId,
};
pub use level::Level;
pub use spec::TaskSpec;
pub use state::counts::Counts;
pub use state::scheduler::Scheduler;
pub use state::task::TaskState;
