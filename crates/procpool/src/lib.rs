//! Runs plain functions in a pool of worker processes and gives their results as futures: it is
//! [`tokio::task::spawn_blocking`] with processes instead of threads.
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
//! Unlike a thread, a worker process can be stopped. Dropping the future of a call cancels the call,
//! even while it is computing. A call may have a time limit and a memory limit. If a function crashes,
//! its call gives an error; the program and all other calls go on.
//!
//! # Getting started
//! A worker process runs the same executable as the program. Therefore every `main` must start with
//! [`init()`], which never returns in a worker. The attributes
//! [`#[procpool::main]`](macro@main) and [`#[procpool::test]`](macro@test) replace tokio's attributes
//! and call `init()`.
//!
//! [`ProcessPool::new`] builds a pool with one worker for each processor, and
//! [`ProcessPool::builder`] sets options. [`ProcessPool::run_in_process`] runs a function:
//! - The function is a `fn` or a closure that captures nothing. Pass several arguments as a tuple.
//! - Arguments and results implement serde's `Serialize` and `DeserializeOwned`.
//! - The returned [`Task`] is a future of `Result<R, TaskError>`. The pool runs the call whether or
//!   not the future is polled. **Dropping the `Task` cancels the call.**
//!
//! Below, a *task* is a call that the pool has accepted, and a *handle* is a [`ProcessPool`] value: all
//! clones of it belong to the same pool.
//!
//! # Many calls
//! - [`ProcessPool::map`] runs one function on the items of an iterator, and
//!   [`map_in_process`](ProcessStreamExt::map_in_process) on those of a stream. Both choose how many
//!   items they send at once, and pull items only as fast as the workers process them.
//! - [`TaskSet`] gives the results of many tasks in the order in which they finish.
//! - [`ProcessPool::run_stream`] gives the items that one call produces, one by one.
//! - [`recipes`] shows `join_all`, `select_all` and other combinators.
//!
//! # A full queue
//! By default any number of tasks may wait for a worker.
//! [`Builder::queue_capacity`] sets a limit. Then [`ProcessPool::try_run_in_process`] returns the
//! arguments if the queue is full, and [`ProcessPool::reserve`] waits for room.
//!
//! # Order
//! Waiting tasks start in the order of the calls. [`TaskOptions`] changes that for the tasks of one
//! handle: a [priority](TaskOptions::priority), a fair [share](TaskOptions::share) of the workers' time
//! for each customer, or an [affinity](TaskOptions::affinity) for the worker that has the right data in
//! its caches. No task waits forever.
//!
//! # Workers
//! - [`Builder::min_workers`] and [`Builder::max_workers`] let the number of workers follow the
//!   load. [`ProcessPool::resize`] changes both in a running pool.
//! - [`Builder::initializer`] creates a state in each worker, which
//!   [`ProcessPool::run_with_state`] passes to functions.
//! - [`Builder::broadcast`] and [`ProcessPool::broadcast`] run a function once in every worker.
//! - [`ProcessPool::warm_up`] waits until all workers have started.
//! - [`Builder::standby_workers`] keeps extra workers started, so that after a crash no task waits for a
//!   new one.
//!
//! # Other interfaces
//! - [`blocking`] is for programs without tokio.
//! - `ProcessPool::service` makes a function a `tower::Service`. It needs the feature `tower`.
//! - [`Executor`] is a trait for code that runs on a pool or, with [`InProcess`], without any process.
//!
//! # Guarantees
//!
//! | event | effect |
//! |---|---|
//! | A call is made. | The pool accepts the task at once; the arguments are encoded in the call. |
//! | A [`Task`] is dropped, or loses a `select!` or a `timeout`. | If the task is queued, it never runs. If it is running, its worker is killed with all of its child processes, and replaced. |
//! | The function of a task panics. | The task gives [`TaskError::Panicked`] with message and location; the worker keeps running. |
//! | A worker dies. | The task that it was running gives [`TaskError::WorkerExited`]. Tasks that it had not started run on another worker. |
//! | The time limit of a task passes. | The task gives [`TaskError::TimedOut`]; its worker is killed and replaced. |
//! | Workers can't start. | Waiting tasks give [`TaskError::WorkerStart`]; the pool retries at growing intervals. |
//! | The last [`ProcessPool`] and the last [`Task`] are dropped. | [Detached](Task::detach) tasks finish, then all workers end with their child processes. |
//! | The runtime stops, or the program ends, even by SIGKILL. | All workers are killed with their child processes. |
//! | The pool has accepted a task. | The task resolves exactly once, in every case: with a result or an error. |
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
pub mod __private;
mod adapters;
mod driver;
mod error;
mod options;
mod output;
mod pool;
pub mod recipes;
mod spin_wait;
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
