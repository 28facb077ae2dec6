//! The tokio shell around the scheduler: it feeds the scheduler what happens, and performs what it decides.
//!
//! The way of a call, downwards:
//!
//! ```text
//! ProcessPool::run_in_process    encodes the arguments                       the caller's thread
//!   Core::submit_call            takes the pool's lock                               │
//!     Scheduler::handle_submit   decides                                             │
//!       State::perform           Action::Dispatch → the outbox of the link           │
//!   Effects::apply               lock released; Link::flush sends to the socket      ▼
//!     …  procpool-worker         claims, decodes, runs, encodes              the worker process
//!   Reader::run                  waits until the socket is readable          a task of the runtime
//!     Incoming::poll_receive     reads events                                        │
//!     State::handle_returned     under the pool's lock                               │
//!       Scheduler::handle_finished                                                   │
//!   Effects::apply               lock released; TaskCell::finish wakes               ▼
//! Task::poll                     decodes the result                          the task that awaits it
//! ```
//!
//! If another thread has the lock, a submit and a batch of events are queued at the lock, and that thread handles
//! them. A thread that awaits a short task may read its worker's events itself.
//!
//! The rooms, from the top down:
//!
//! | room | what it has |
//! |---|---|
//! | [`submit`] | what the handles of a pool ask of it |
//! | [`worker`] | one worker's life: spawn, handshake, events, end |
//! | [`pool`] | the lock, the state behind it, and the effects of each input |
//! | [`maps`] | chunks of items, and where their results go |
//! | [`transport`] | a worker's socket and control page |
//! | [`process`] | a worker's process and its limits |
//! | [`wait`] | what runtime tasks wait for |
//!
//! One lock ([`pool::core`]) owns the scheduler and the table of workers; nothing else holds state of the pool. While
//! it is held, no thread waits for anything but short locks of the same kind, no foreign code runs, and the only system
//! call is the one that sets the timer. All else is noted as [`effects`](pool::effects) and done after.
//!
//! A pool has one runtime task for the time ([`timekeeper`]) and two for each worker: the
//! [`supervisor`](worker::supervisor) sees it through, and the [`reader`](worker::reader), which ends with that, handles
//! its events. If the timekeeper or a supervisor is dropped before its end, the runtime is stopping. A large result is
//! read by a thread ([`transport::bulk_reader`]) that ends with it.

mod maps;
mod pool;
mod pool_config;
mod pool_task;
mod process;
mod start;
mod submit;
mod transport;
mod wait;
mod worker;

pub(crate) use maps::chunk::{CREDIT, Chunk, ChunkCall};
pub(crate) use maps::map_sink::{MapEvent, MapSink};
pub(crate) use pool::job::{Job, Sink};
pub(crate) use pool::state::Tally;
pub(crate) use pool_config::PoolConfig;
pub(crate) use process::process_env::ProcessEnv;
pub(crate) use process::worker_limits::WorkerLimits;
pub(crate) use start::start;
pub(crate) use submit::accepted::{Accepted, WeakAccepted};
pub(crate) use submit::open_pool::OpenPool;
pub(crate) use submit::reservation::{AskedRoom, Reservation};
pub(crate) use submit::warm_up::WarmUp;
