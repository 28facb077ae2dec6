//! Both outputs of one worker.

use std::convert::Infallible;
use std::io;
use std::time::{Duration, Instant};

use procpool_os::WorkerProcess;

use crate::output::forward::{Forward, Stream};
use crate::output::lines::Lines;
use crate::output::pump::{Pump, Sink};
use crate::output::tail::Tail;
use crate::worker_output::WorkerOutput;

/// How long a runtime that stops waits for who reads this process's own streams.
const PATIENCE: Duration = Duration::from_secs(1);

/// Drains what of a worker's output passes through this process.
#[derive(Debug)]
pub(crate) struct Outputs {
    stdout: Option<Pump>,
    stderr: Option<Pump>,
}

impl Outputs {
    /// Takes the pipes of a worker that was spawned with them.
    ///
    /// # Panics
    /// Where tokio does: outside of a runtime, or in one without I/O.
    pub(crate) fn of(
        process: &mut WorkerProcess,
        (stdout, stderr): (WorkerOutput, WorkerOutput),
        pool: &str,
    ) -> io::Result<Self> {
        let pid = process.pid();
        let sink = |output, stream| match output {
            WorkerOutput::Trace => Sink::Lines(Lines::new(pool.to_owned(), pid)),
            _ => Sink::Forward(Forward::new(stream)),
        };
        let pump = |pipe: Option<_>, output, stream| {
            pipe.map(|pipe| Pump::new(pipe, sink(output, stream)))
                .transpose()
        };
        Ok(Outputs {
            stdout: pump(process.take_stdout(), stdout, Stream::Stdout)?,
            stderr: pump(process.take_stderr(), stderr, Stream::Stderr)?,
        })
    }

    /// Passes on what comes; never returns.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn run(&mut self) -> Infallible {
        tokio::select! {
            never = run(&mut self.stdout) => never,
            never = run(&mut self.stderr) => never,
        }
    }

    /// Passes on what the worker had written when it ended, without waiting, and gives the end of
    /// its standard error.
    pub(crate) fn finish(&mut self) -> Tail {
        self.finish_until(Instant::now())
    }

    fn finish_until(&mut self, deadline: Instant) -> Tail {
        if let Some(stdout) = self.stdout.take() {
            stdout.finish(deadline);
        }
        let finish = |stderr: Pump| stderr.finish(deadline);
        self.stderr.take().map(finish).unwrap_or_default()
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        // The runtime is stopping, and what a worker has said before is not to be lost for a reader
        // that is only slow.
        self.finish_until(Instant::now() + PATIENCE);
    }
}

async fn run(pump: &mut Option<Pump>) -> Infallible {
    match pump {
        Some(pump) => pump.run().await,
        None => std::future::pending().await,
    }
}
