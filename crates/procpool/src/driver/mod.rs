//! The tokio shell around the scheduler: it feeds the scheduler what happens, and performs what it decides.
//!
//! The way of a call, file by file. The arguments go down on the left, the result comes back up on the right:
//!
//! ```text
//!  pool/process_pool.rs   run_in_process                  task/future.rs      Task::poll decodes the result
//!  task/call.rs           EncodedCall::new encodes        task/cell.rs        TaskCell::finish wakes the task
//!  ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ driver ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─
//!  pool/core.rs           takes the lock                  pool/effects.rs     lock released: ends are told
//!    the scheduler        handle_submit decides             the scheduler     handle_finished decides
//!  pool/state/actions.rs  perform                         pool/state/settle.rs  handle_returned
//!  pool/state/dispatch.rs dispatch                        worker/reader.rs    takes the lock for all events
//!  transport/link.rs      offer: on the control page,     transport/incoming.rs  bytes become events
//!  transport/outgoing_frames.rs  and into the outbox                             ▲
//!  transport/outbox.rs    lock released: flush sends                             │
//!  transport/channel.rs ──────────► socket ──► the worker process ──► socket ────┘
//! ```
//!
//! If another thread has the lock, the task is queued at the lock, and that thread submits it. A thread that awaits a short
//! task may read its worker's events itself.
//!
//! The rooms, from the top down. A room uses only those below it:
//!
//! | room | what it has |
//! |---|---|
//! | [`start`], [`pool_task`] | a pool's start, and its runtime task |
//! | [`submit`] | the requests of a pool's handles |
//! | [`worker`] | one worker's life: spawn, handshake, events, end |
//! | [`pool`] | the lock, the state behind it, and the effects of each input |
//! | [`maps`] | chunks of items, and where their results go |
//! | [`transport`] | a worker's socket and control page |
//! | [`process`] | a worker's process and its limits |
//! | [`wait`] | what runtime tasks wait for |
//!
//! One lock ([`pool::core`]) owns the scheduler and the table of workers; nothing else holds state of the pool. While
//! a thread holds it, it waits only for locks that are never held across a system call, it runs no foreign code, and its
//! only system call is the one that sets the timer. All else is noted as [`effects`](pool::effects) and done after.
//!
//! Each pool has one runtime task ([`pool_task`]) that waits for deadlines and starts workers. Each worker has two. The
//! [`supervisor`](worker::supervisor) runs until the worker is reaped. The [`reader`](worker::reader) handles the worker's
//! events, and ends with the supervisor. If the pool's task or a supervisor is dropped before its end, the runtime is
//! stopping. A thread ([`transport::bulk_reader`]) reads a large result, and ends with it.

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
