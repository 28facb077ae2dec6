//! The tokio shell around the scheduler: it feeds it what happens, and performs what it decides.
//!
//! The way of a call, downwards:
//!
//! ```text
//! ProcessPool::run_in_process    encodes the arguments                       the caller's thread
//!   Core::submit                 takes the lock                                      │
//!     Scheduler::handle_submit   decides                                             │
//!       State::perform           Action::Dispatch → the link's outbox                │
//!   Effects::apply               lock released; writes to the worker's socket        ▼
//!     …  procpool-worker         claims, decodes, runs, encodes              the worker process
//!   Reader::run                  waits until there is something              a task of the runtime
//!     Reader::receive            reads it, takes the lock                            │
//!       Scheduler::handle_finished                                                   │
//!   Effects::apply               lock released; TaskCell::finish wakes               ▼
//! Task::poll                     decodes the result                          who awaits it
//! ```
//!
//! One lock ([`core`]) owns the scheduler and the table of workers; nothing else holds state of the
//! pool. While it is held, nothing waits, no foreign code runs, and no system call is made but the
//! one that sets the timer. All else is noted as [`effects`] and done after.
//!
//! A pool has one task for the time ([`timekeeper`]) and two for each worker: one sees it through
//! ([`supervisor`]), and one, which ends with that, takes what it says ([`reader`]). The first two, if they are
//! dropped before their end, know that the runtime is stopping. Much of one result is read by a thread
//! ([`bulk_reader`]) that ends with it.

mod accepted;
mod alarm;
mod broadcasts;
mod bulk_reader;
mod cgroup;
mod channel;
mod chunk;
mod core;
mod core_config;
mod doorway;
mod effects;
mod entry;
mod fresh_call;
mod handshake;
mod incoming;
mod intake;
mod job;
mod kill_switch;
mod launch;
mod leader;
mod link;
mod memory_watch;
mod message;
mod open_pool;
mod outbox;
mod outgoing_frames;
mod reader;
mod readiness;
mod reservation;
mod start;
mod state;
mod stopped;
mod submission;
mod supervisor;
mod surroundings;
#[cfg(test)]
mod tests;
mod timekeeper;
mod warm_up;
mod worker_limits;

pub(crate) use accepted::{Accepted, WeakAccepted};
pub(crate) use chunk::{CREDIT, Chunk, ChunkCall};
pub(crate) use core_config::CoreConfig;
pub(crate) use fresh_call::FreshCall;
pub(crate) use intake::{Arrival, Intake};
pub(crate) use job::{Job, Sink};
pub(crate) use open_pool::OpenPool;
pub(crate) use reservation::{AskedRoom, Reservation};
pub(crate) use start::start;
pub(crate) use state::Tally;
pub(crate) use surroundings::Surroundings;
pub(crate) use warm_up::WarmUp;
pub(crate) use worker_limits::WorkerLimits;
