//! The driver of the scheduler, on a tokio runtime: it gives the scheduler its inputs and performs the scheduler's actions.
//!
//! The path of a call, file by file. The arguments go down on the left, the result comes back up on the right:
//!
//! ```text
//!  pool/process_pool.rs   run_in_process                  task/future.rs      Task::poll decodes the result
//!  task/call.rs           EncodedCall::new encodes        task/cell.rs        TaskCell::finish wakes the task
//!  ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ driver ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─
//!  pool/core.rs           takes the lock                  pool/effects.rs     lock released: tasks are woken
//!    the scheduler        handle_submit decides             the scheduler     handle_finished decides
//!  pool/state/actions.rs  perform                         pool/state/settle.rs  handle_returned
//!  pool/state/dispatch.rs dispatch                        worker/reader.rs    takes the lock for all events
//!  transport/link.rs      offer: on the control page,     transport/incoming.rs  bytes become events
//!  transport/outgoing_frames.rs  and into the outbox                             ▲
//!  transport/outbox.rs    lock released: flush sends                             │
//!  transport/channel.rs ──────────► socket ──► the worker process ──► socket ────┘
//! ```
//!
//! If another thread has the lock, the caller enqueues the task at the lock, and that thread submits it. A caller that spins for
//! the result of a short task handles the worker's events on its own thread.
//!
//! The modules, from the top down. A module uses only those below it:
//!
//! | module | contents |
//! |---|---|
//! | [`start`], [`pool_task`] | a pool's start, and its runtime task |
//! | [`submit`] | the requests of a pool's handles |
//! | [`worker`] | one worker from its spawn until it is reaped: handshake, events, end |
//! | [`pool`] | the lock, the state behind it, and the effects of each input |
//! | [`maps`] | chunks of items, and the queue of their results |
//! | [`transport`] | a worker's socket and control page |
//! | [`process`] | a worker's process and its limits |
//! | [`wait`] | futures for runtime tasks: a timer, a readable descriptor, the end of the pool |
//!
//! One lock ([`pool::core`]) guards the scheduler and the table of workers, which are all state of the pool. A thread that holds
//! it waits only for locks that no thread holds across a system call, and runs no foreign code. Its only system call is the one
//! that sets the timer. It records all other work as [`effects`](pool::effects), and performs them after it has released the lock.
//!
//! Each pool has one runtime task ([`pool_task`]) that waits for deadlines and starts workers. Each worker has two. The
//! [`supervisor`](worker::supervisor) runs until the worker is reaped. The [`reader`](worker::reader) handles the worker's
//! events, and ends with the supervisor. The pool's task or a supervisor is dropped before its end only if the runtime is
//! stopping. A separate thread ([`transport::bulk_reader`]) reads a large result, and then ends.

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
