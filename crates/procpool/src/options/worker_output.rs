//! Where the workers' output goes.

use procpool_os::OutputTo;

/// Where what the workers write to their standard output or error goes; see
/// [`Builder::stdout`](crate::Builder::stdout) and [`Builder::stderr`](crate::Builder::stderr).
///
/// None of it ever mixes with the pool's own protocol, which has a socket of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerOutput {
    /// Through this process to its own stream of the same kind; of standard error, the last 8 KiB
    /// are kept for [`WorkerExit::stderr_tail`](crate::WorkerExit::stderr_tail). When this process's
    /// stream takes no more, workers that write wait, as they would for a terminal; the pool does
    /// not. What a worker has written before its end is passed on for a second more: only a
    /// shutdown waits for that, and what is not taken by then is lost.
    Forward,
    /// To what this process itself has, without passing through it. Nothing is kept.
    Inherit,
    /// Nowhere. Nothing is kept.
    Null,
    /// Each line as a [`tracing`](https://docs.rs/tracing) event at level INFO with the target
    /// `procpool::worker`, the pool's name and the worker's pid, and the last 8 KiB kept as with
    /// [`Forward`](WorkerOutput::Forward). A line is cut after 8 KiB.
    Trace,
}

impl WorkerOutput {
    /// What a worker is spawned with.
    pub(crate) fn stdio(self) -> OutputTo {
        match self {
            WorkerOutput::Forward | WorkerOutput::Trace => OutputTo::Piped,
            WorkerOutput::Inherit => OutputTo::Inherited,
            WorkerOutput::Null => OutputTo::Null,
        }
    }
}
