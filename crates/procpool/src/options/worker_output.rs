//! The destination of the workers' output.

use procpool_os::OutputTo;

/// The destination of the workers' standard output or standard error; see
/// [`Builder::stdout`](crate::Builder::stdout) and [`Builder::stderr`](crate::Builder::stderr).
///
/// The pool's own protocol has a socket of its own, so output never mixes with it.
///
/// ```
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use procpool::WorkerOutput;
///
/// let builder = procpool::ProcessPool::builder().workers(1);
/// let pool = builder.stdout(WorkerOutput::Null).build()?;
/// pool.run_in_process(|()| println!("nobody reads this"), ()).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerOutput {
    /// Through this process to its own stream of the same kind.
    ///
    /// The last 8 KiB of standard error are kept for
    /// [`WorkerExit::stderr_tail`](crate::WorkerExit::stderr_tail). If this process's stream is full,
    /// a worker that writes blocks, as it would on a terminal; the pool does not. The output that a
    /// worker wrote before its exit is forwarded for one more second, and then dropped. Only a shutdown waits
    /// for that.
    Forward,
    /// To this process's own stream, which the workers inherit. The pool keeps nothing.
    Inherit,
    /// To `/dev/null`. The pool keeps nothing.
    Null,
    /// Each line becomes a [`tracing`](https://docs.rs/tracing) event at level INFO with the target
    /// `procpool::worker`, the pool's name and the worker's pid.
    ///
    /// A line is cut after 8 KiB. The last 8 KiB are kept as with
    /// [`Forward`](WorkerOutput::Forward).
    Trace,
}

impl WorkerOutput {
    /// Returns the file that a worker is spawned with.
    pub(crate) fn stdio(self) -> OutputTo {
        match self {
            WorkerOutput::Forward | WorkerOutput::Trace => OutputTo::Piped,
            WorkerOutput::Inherit => OutputTo::Inherited,
            WorkerOutput::Null => OutputTo::Null,
        }
    }
}
