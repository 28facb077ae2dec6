//! `spawn_blocking` in worker processes: plain functions run in a pool of processes, and their
//! results are futures.
//!
//! ```
//! fn parse(html: String) -> Vec<String> {
//!     // CPU-heavy, may crash, may hang
//!     html.split('"').filter(|part| part.starts_with("http")).map(str::to_owned).collect()
//! }
//!
//! #[procpool::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let pool = procpool::ProcessPool::new()?;
//!     let html = r#"<a href="https://example.org">"#.to_owned();
//!     let links = pool.run_in_process(parse, html).await?;
//!     assert_eq!(links, ["https://example.org"]);
//!     Ok(())
//! }
//! ```
//!
//! It has what threads can't have: a call is cancelled by dropping it, can be timed out, and may
//! crash, and nothing else notices.
//!
//! # Start
//! A worker is this same executable, started again. So the first line of `main` must be [`init()`],
//! which never returns in a worker; [`#[procpool::main]`](macro@main) and
//! [`#[procpool::test]`](macro@test) do it.
//!
//! # Many calls
//! [`recipes`] has `join_all`, `select_all` and the others; [`TaskSet`] gives results as they
//! complete. A queue that is to stay short has a [capacity](Builder::queue_capacity): then
//! [`ProcessPool::try_run_in_process`] gives back what finds no room, and [`ProcessPool::reserve`]
//! waits for it.
//!
//! # Order
//! Tasks that wait for a worker get one in the order of the calls. [`TaskOptions`] can give the tasks
//! of a handle a [priority](TaskOptions::priority), and a [share](TaskOptions::share) of the workers'
//! time beside the tasks of others, and let tasks prefer the worker whose caches are
//! [warm](TaskOptions::affinity) for them. Nobody starves.
//!
//! [`ProcessPool::map`] runs a function on the items of an iterator, and
//! [`map_in_process`](ProcessStreamExt::map_in_process) on those of a stream, with back-pressure and in chunks that it
//! chooses itself. [`ProcessPool::run_stream`] gives the items that one call makes, as they are made.
//!
//! # Workers
//! A pool starts as many as there are CPUs, or grows and shrinks [between](Builder::min_workers) two
//! numbers, which [`ProcessPool::resize`] changes while it runs. [`ProcessPool::warm_up`] waits until
//! all are ready; with [standby workers](Builder::standby_workers) a crash costs the next task no
//! start. What each worker does before its first task is an [initializer](Builder::initializer), whose
//! result tasks borrow, and any number of [broadcasts](Builder::broadcast), also
//! [later](ProcessPool::broadcast).
//!
//! # Other callers
//! [`blocking`] is for programs without tokio. With the feature `tower`, a function of a pool is a
//! `tower::Service` (`ProcessPool::service`). Code that takes an [`Executor`] runs on a pool, or
//! without any process on [`InProcess`].
//!
//! # Promises
//!
//! | when | what happens |
//! |---|---|
//! | a call is made | the task is accepted at once; arguments are encoded in the call |
//! | the [`Task`] is dropped, or loses a `select!` or a `timeout` | queued: it never runs. Running: its worker's whole process group is killed and replaced |
//! | the function panics | [`TaskError::Panicked`] with message and location; the worker lives on |
//! | the worker dies | that one task gets [`TaskError::WorkerExited`]; what had been sent to the worker and had not begun runs elsewhere |
//! | a time limit passes | [`TaskError::TimedOut`]; the worker is killed and replaced |
//! | workers can't start | waiting tasks get [`TaskError::WorkerStart`]; attempts back off |
//! | the last handle and the last task are gone, the runtime stops, or the program ends, even by SIGKILL | all workers and their children are gone |
//! | every accepted task | resolves exactly once, whatever happens |
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod adapters;
mod driver;
mod error;
mod options;
mod output;
mod pool;
pub mod recipes;
mod soon;
mod streams;
mod task;

#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use adapters::ProcessService;
pub use adapters::blocking;
pub use adapters::{Executor, InProcess, InProcessTask};
pub use error::{
    BuildError, DecodeError, EncodeError, LimitExceeded, Panic, PoolClosed, Rejected, ResizeError,
    TaskError, TimeoutPhase, WorkerExit, WorkerStartError,
};
pub use options::{Builder, Priority, PriorityOutOfRange, TaskOptions, WorkerOutput};
pub use pool::{Permit, PoolSize, ProcessPool, ShutdownReport, run_in_process};
pub use procpool_macros::{main, test};
pub use procpool_shared::SharedBytes;
pub use procpool_worker::{init, worker};
pub use streams::{ItemStream, Items, Map, ProcessStreamExt, TaskSet};
pub use task::{AbortHandle, Task, TaskId, TaskState};

/// What the macros' expansions use. Not a part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use procpool_os::before_main;
    pub use tokio;
}
