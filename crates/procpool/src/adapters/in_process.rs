//! The executor without processes.

use std::io;
use std::sync::Arc;

use procpool_os::memory;
use procpool_wire::{Encoding, Finished, Payload, Run};
use procpool_worker::PlainCall;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use crate::adapters::executor::Executor;
use crate::adapters::in_process_task::InProcessTask;
use crate::error::{BuildError, DecodeError, Panic, TaskError, WorkerStartError};
use crate::task::call::EncodedCall;
use crate::task::catch::catch;
use crate::task::cell::{TaskCell, TaskEnd};

/// Runs functions in this process, on tokio's threads for
/// [`spawn_blocking`](tokio::task::spawn_blocking), in place of a
/// [`ProcessPool`](crate::ProcessPool). Use it in tests, and where no other process may be started.
///
/// It guarantees what every [`Executor`] does. Arguments and results are encoded and decoded, so a type
/// that works here also works in a pool. The limitations are those of threads:
///
/// - **A running function can't be stopped.** If its future is dropped, it runs to its end, and its
///   result is discarded. There are no time limits.
/// - A function that aborts or exits ends the program. So does a panic in a program built with
///   `panic = "abort"`. There are no memory limits.
/// - Functions share the statics and thread-locals of this process.
///   [`worker::is_worker`](crate::worker::is_worker) returns `false` in them, unless this process is
///   itself a worker.
/// - A call that waits for a thread when the runtime stops either still runs, or gives
///   [`TaskError::PoolClosed`].
///
/// The runtime's `max_blocking_threads` limits how many functions run at the same time.
///
/// To record the location of a panic, the first `InProcess` of a process extends the panic hook. If the
/// program sets another hook later, only the locations are missing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use procpool::{Executor, InProcess};
///
/// fn half(x: u32) -> u32 {
///     assert!(x % 2 == 0, "{x} is odd");
///     x / 2
/// }
/// let executor = InProcess::new()?;
/// assert_eq!(executor.execute(half, 42).await?, 21);
/// assert!(executor.execute(half, 43).await.unwrap_err().is_panicked());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct InProcess {
    runtime: Handle,
}

impl InProcess {
    /// Returns an executor that uses the threads of the current tokio runtime. It works without
    /// [`init`](crate::init).
    ///
    /// # Errors
    /// [`BuildError::Runtime`] outside a tokio runtime.
    pub fn new() -> Result<Self, BuildError> {
        let runtime =
            Handle::try_current().map_err(|error| BuildError::Runtime(error.to_string()))?;
        procpool_worker::note_panics();
        Ok(InProcess { runtime })
    }
}

impl Executor for InProcess {
    type Task<R>
        = InProcessTask<R>
    where
        R: DeserializeOwned + 'static;

    fn execute<A, R>(&self, function: fn(A) -> R, args: A) -> InProcessTask<R>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        let limit = Run::MAX_ARGS_LEN;
        let args = match EncodedCall::new::<fn(A) -> R, PlainCall, A>(function, args, limit) {
            Ok(call) => call.args,
            Err(error) => return InProcessTask::failed(TaskError::Encode(error)),
        };
        let cell = Arc::new(TaskCell::pending());
        let guard = FinishOnDrop(Arc::clone(&cell));
        let run = move || guard.0.finish(call(function, args));
        // `spawn_blocking` panics if there is no idle thread and none can be started.
        match catch(|| self.runtime.spawn_blocking(run)) {
            Some(job) => InProcessTask::new(cell, job.abort_handle()),
            None => {
                let error = io::Error::other("the runtime can't start a thread");
                InProcessTask::failed(TaskError::WorkerStart(WorkerStartError::spawn(error)))
            }
        }
    }
}

/// Finishes a call whose closure is dropped before it runs, because its runtime stops.
struct FinishOnDrop(Arc<TaskCell>);

impl Drop for FinishOnDrop {
    fn drop(&mut self) {
        // A cell keeps its first end, so this changes nothing after the call has run.
        self.0.finish(Err(Box::new(TaskError::PoolClosed)));
    }
}

/// Runs a call as a worker does.
fn call<A, R>(function: fn(A) -> R, args: Payload) -> TaskEnd
where
    A: DeserializeOwned + 'static,
    R: Serialize + 'static,
{
    let refused = |why: String| TaskError::Decode(DecodeError::result_in_worker(why));
    // All of the user's code runs in here: `Deserialize`, the function, `Serialize` and `Drop`.
    let ended = procpool_worker::catch_panic(|| {
        let decoded = args
            .decode::<A>()
            .map_err(|error| TaskError::Decode(DecodeError::args(error)))?;
        let result = match Payload::of_bytes(function(decoded)) {
            Ok(result) => result,
            Err(returned) => Encoding::payload(&returned, memory::reserve)
                .map_err(|error| refused(error.to_string()))?,
        };
        let (length, limit) = (result.len(), Finished::MAX_RESULT_LEN);
        match length > limit {
            true => Err(refused(format!(
                "the result takes {length} bytes; the limit is {limit}"
            ))),
            false => Ok(result),
        }
    });
    ended
        .unwrap_or_else(|report| Err(TaskError::Panicked(Panic::new(report))))
        .map_err(Box::new)
}
