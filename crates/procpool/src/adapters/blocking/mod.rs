//! Worker processes for programs without tokio.
//!
//! ```
//! fn word_count(text: String) -> usize {
//!     text.split_whitespace().count()
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     procpool::init(); // in a worker it does not return
//!     let pool = procpool::blocking::ProcessPool::builder().workers(2).build_blocking()?;
//!     let tasks: Vec<_> = ["to be", "or not to be"]
//!         .map(|text| pool.run_in_process(word_count, text.to_owned()))
//!         .into();
//!     let counts: Result<Vec<_>, _> = tasks.into_iter().map(|task| task.wait()).collect();
//!     assert_eq!(counts?, [2, 4]);
//!     pool.shutdown();
//!     Ok(())
//! }
//! ```
//! A blocking pool works as [`procpool::ProcessPool`](crate::ProcessPool) does; where that is awaited,
//! this one blocks the calling thread. The pool runs in one thread of its own. Calls may come from any
//! thread.
//!
//! # In an async program
//! A blocking call blocks its thread only. It needs no runtime, and is allowed inside one. In an async
//! function it is still wrong, since the other tasks of that thread wait meanwhile. There, await the
//! task (a [`Task`] converts to a future by [`IntoFuture`]), or use [`ProcessPool::as_async`].
//! [`ProcessPool::as_async`].

mod map;
mod permit;
mod pool;
mod runtime_thread;
mod task;
mod wait;

pub use map::Map;
pub use permit::Permit;
pub use pool::ProcessPool;
pub use task::Task;
