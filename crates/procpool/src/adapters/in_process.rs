//! The executor that has no processes.

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

/// Runs functions in this process, on threads of tokio's
/// [`spawn_blocking`](tokio::task::spawn_blocking): a stand-in for a
/// [`ProcessPool`](crate::ProcessPool) where code is tested or is to run without processes.
///
/// It keeps to what an [`Executor`] promises, also that arguments and results are encoded and decoded
/// on the way: code that works with it does not fail in a pool for the sake of a type. What a thread
/// can't do, it can't either:
///
/// - **A function that has begun can't be ended.** If its future is dropped it runs on to its end,
///   and its result is thrown away. There are no time limits.
/// - A function that aborts or exits ends the program, and so does each panic under
///   `panic = "abort"`. There are no memory limits.
/// - Functions share the statics and thread-locals of this process;
///   [`worker::is_worker`](crate::worker::is_worker) is false in them, unless this process is a worker
///   itself.
/// - Where it waits for a thread when the runtime stops, a call may still run; otherwise it is
///   [`TaskError::PoolClosed`].
///
/// How many run at once, the runtime's `max_blocking_threads` says. To tell the location of a panic,
/// the first `InProcess` of a process adds to the panic hook that is there; if the program sets
/// another one later, only locations are lost.
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
    /// An executor on the threads of the tokio runtime around. [`init`](crate::init) needn't have
    /// been called.
    ///
    /// # Errors
    /// [`BuildError::Runtime`] if there is no runtime.
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
        let promise = Promise(Arc::clone(&cell));
        let run = move || promise.0.finish(call(function, args));
        // It panics if there is no thread and there can't be one.
        match catch(|| self.runtime.spawn_blocking(run)) {
            Some(job) => InProcessTask::new(cell, job.abort_handle()),
            None => {
                let error = io::Error::other("the runtime can't start a thread");
                InProcessTask::failed(TaskError::WorkerStart(WorkerStartError::spawn(error)))
            }
        }
    }
}

/// Keeps the word of a call whose closure is dropped before it runs, since its runtime stops.
struct Promise(Arc<TaskCell>);

impl Drop for Promise {
    fn drop(&mut self) {
        // The first end counts.
        self.0.finish(Err(Box::new(TaskError::PoolClosed)));
    }
}

/// What a worker does with a call.
fn call<A, R>(function: fn(A) -> R, args: Payload) -> TaskEnd
where
    A: DeserializeOwned + 'static,
    R: Serialize + 'static,
{
    let refused = |why: String| TaskError::Decode(DecodeError::result_in_worker(why));
    // All of the user's code is in here: `Deserialize`, the function, `Serialize`, and `Drop`.
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
                "it takes {length} bytes, the limit is {limit}"
            ))),
            false => Ok(result),
        }
    });
    ended
        .unwrap_or_else(|report| Err(TaskError::Panicked(Panic::new(report))))
        .map_err(Box::new)
}
