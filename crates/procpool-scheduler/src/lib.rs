//! Every decision of a process pool, as a state machine without I/O, clock or threads.
//!
//! A driver owns the processes, the sockets and the clock. It tells a [`Scheduler`] what happened (the
//! `handle_*` inputs, each with the moment `now`), performs what [`poll_action`](Scheduler::poll_action)
//! gives, and calls [`handle_tick`](Scheduler::handle_tick) when
//! [`next_deadline`](Scheduler::next_deadline) has come. So every promise about cancelling, limits, deaths and
//! restarts can be tested in virtual time, with no process at all.
//!
//! # What the driver must do
//!
//! - After each input, perform all actions at once and in order, before the next event is handled.
//!   Performing one may itself be an input: [`Action::Revoke`] is answered by
//!   [`handle_revoked`](Scheduler::handle_revoked) before the next action is polled,
//!   [`Action::Inspect`] by [`handle_inspected`](Scheduler::handle_inspected), [`Action::Shorten`] by
//!   [`handle_shortened`](Scheduler::handle_shortened), and a spawn that fails at
//!   once is reported at once. The actions this adds come after those that are already there.
//! - What happened together may be told together, between [`begin_batch`](Scheduler::begin_batch) and
//!   [`end_batch`](Scheduler::end_batch); the actions of all of it are performed after the latter.
//! - Report the results of a worker that it has received before it reports the worker's exit, and keep the
//!   worker's control page until the actions that follow the exit are performed.
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
//! The scheduler cannot see the step from sent to running: the worker makes it alone, by claiming the task in
//! memory that it shares with the driver. So whatever depends on it is decided by trying to take
//! the task back: a revocation that succeeds proves that it never ran, one that fails that it began.
//!
//! A time limit counts from that step too, and the worker alone knows when it was. So when a limit may have
//! passed, which is never before it has passed since the dispatch, the driver is asked what the worker has
//! written down ([`Action::Inspect`]), and the rest of the limit is waited for.
//!
//! A task that is resolved while it runs stays in flight, without payload, until its worker finishes it or
//! is gone: a worker in its cancel grace is busy.
//!
//! Before all this there may be a reservation: `handle_reserve` stands in line for room in the queue,
//! [`Action::Grant`] gives it, in the order of the line, and `handle_submit_reserved` uses it.
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
//! A ready worker that has yet to run a broadcast takes no task, and is neither idle nor busy once it has
//! nothing in flight.
//!
//! A worker that dies by itself, whatever its state, goes straight to gone. How many there should be is
//! computed from what is wanted and what is there after each input, and never counted by tokens.
#![forbid(unsafe_code)]

mod action;
mod config;
mod id;
mod level;
mod policy;
mod protocol;
mod spec;
mod state;

pub use action::{Action, Cold, Finished, Outcome, Refused, RefusedReason, Standing, Unspread};
pub use config::{Backoff, Config};
pub use id::{
    AffinityKey, BroadcastId, FunctionKey, ReservationId, ShareKey, TaskId, WarmUpId, WorkerId,
};
pub use level::Level;
pub use spec::TaskSpec;
pub use state::counts::Counts;
pub use state::scheduler::Scheduler;
pub use state::task::TaskState;
