//! The default pools, which need not be built: one for each runtime.

use std::io;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::{Handle, Id};

use crate::error::{BuildError, TaskError, WorkerStartError};
use crate::pool::process_pool::ProcessPool;
use crate::task::future::Task;

/// The default pools with the runtimes they run on, the newest last.
static DEFAULTS: Mutex<Vec<(Id, ProcessPool)>> = Mutex::new(Vec::new());

/// Runs `function(args)` in a worker process of a default pool, as
/// [`ProcessPool::run_in_process`] does.
///
/// Each tokio runtime has a default pool of its own, with the options of [`ProcessPool::new`]. The
/// first call on a runtime builds the pool, which lives as long as that runtime. So neither the end
/// nor a blocked thread of one runtime affects calls on another. A call from a thread outside any
/// runtime uses the newest default pool.
///
/// # Errors
/// As [`ProcessPool::run_in_process`]. If the pool can't be built, the task gives
/// [`TaskError::WorkerStart`]; its source is the [`BuildError`].
///
/// ```
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!(procpool::run_in_process(|text: String| text.len(), "four".to_owned()).await?, 4);
/// # Ok(()) }
/// ```
pub fn run_in_process<A, R>(function: fn(A) -> R, args: A) -> Task<R>
where
    A: Serialize + DeserializeOwned + 'static,
    R: Serialize + DeserializeOwned + 'static,
{
    match default_pool() {
        Ok(pool) => pool.run_in_process(function, args),
        Err(error) => {
            let error = WorkerStartError::spawn(io::Error::other(error));
            Task::failed(TaskError::WorkerStart(error))
        }
    }
}

fn default_pool() -> Result<ProcessPool, BuildError> {
    let runtime = Handle::try_current().ok().map(|handle| handle.id());
    let mut defaults = DEFAULTS.lock();
    let is_usable = |(of, pool): &&(Id, ProcessPool)| {
        runtime.is_none_or(|runtime| *of == runtime) && !pool.is_closed()
    };
    if let Some((_, pool)) = defaults.iter().rev().find(is_usable) {
        return Ok(pool.clone());
    }
    let pool = ProcessPool::new()?;
    let closed: Vec<_> = defaults
        .extract_if(.., |(_, pool)| pool.is_closed())
        .collect();
    // `ProcessPool::new` has succeeded, so there is a runtime.
    defaults.extend(runtime.map(|runtime| (runtime, pool.clone())));
    drop(defaults);
    // Dropping a pool may run code that calls this function, so the lock must be released first.
    drop(closed);
    Ok(pool)
}
