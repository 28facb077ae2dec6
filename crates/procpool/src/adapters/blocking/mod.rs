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
//!
//! All is as with [`procpool::ProcessPool`](crate::ProcessPool), but that what is awaited there
//! blocks the thread here. The pool drives itself, in one thread of its own; calls may come from any
//! thread.
//!
//! # In an async program
//! What blocks here blocks its thread and nothing else: it needs no runtime, is no error inside of
//! one, and does not wait for one. In an async function that is still the wrong thing to do, since
//! other tasks of that thread stand still meanwhile. There, await the task (a [`Task`] can be turned
//! into a future with [`IntoFuture`]), or use
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
