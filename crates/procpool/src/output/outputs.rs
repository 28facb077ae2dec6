//! Both output streams of one worker.

use std::convert::Infallible;
use std::io;
use std::time::{Duration, Instant};

use procpool_os::WorkerProcess;

use crate::options::worker_output::WorkerOutput;
use crate::output::forward::{Forward, Stream};
use crate::output::lines::Lines;
use crate::output::pump::{Pump, Sink};
use crate::output::tail::Tail;

/// Drains the output streams of one worker that pass through this process.
#[derive(Debug)]
pub(crate) struct Outputs {
    stdout: Option<Pump>,
    stderr: Option<Pump>,
}

impl Outputs {
    /// How long a worker's last output waits for a slow reader of this process's own streams, after
    /// the worker has ended or while the runtime stops.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

    /// Takes the pipes of a spawned worker.
    ///
    /// # Panics
    /// As tokio does: outside a runtime, or in one without I/O.
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

    /// Forwards the output as it arrives; never returns.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn run(&mut self) -> Infallible {
        tokio::select! {
            never = run(&mut self.stdout) => never,
            never = run(&mut self.stderr) => never,
        }
    }

    /// Reads the output of an ended worker without waiting, and returns the end of its standard error.
    /// Output that can't be forwarded at once is kept; see [`has_more`](Outputs::has_more).
    pub(crate) fn drain(&mut self) -> Tail {
        let drain = |pump: &mut Option<Pump>| {
            let tail = pump.as_mut().map(Pump::drain).unwrap_or_default();
            pump.take_if(|pump| !pump.has_more());
            tail
        };
        drain(&mut self.stdout);
        drain(&mut self.stderr)
    }

    /// Returns whether output is kept that was not forwarded.
    pub(crate) fn has_more(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some()
    }

    /// Forwards the kept output as soon as this process's streams take it.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn pass_on(&mut self) {
        tokio::join!(pass_on(&mut self.stdout), pass_on(&mut self.stderr));
        self.give_up();
    }

    /// Drops the kept output.
    pub(crate) fn give_up(&mut self) {
        (self.stdout, self.stderr) = (None, None);
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        // The runtime is stopping. A slow reader of this process's streams still gets the output that
        // came before.
        let deadline = Instant::now() + Self::PATIENCE;
        for pump in [self.stdout.take(), self.stderr.take()]
            .into_iter()
            .flatten()
        {
            pump.finish(deadline);
        }
    }
}

async fn run(pump: &mut Option<Pump>) -> Infallible {
    match pump {
        Some(pump) => pump.run().await,
        None => std::future::pending().await,
    }
}

async fn pass_on(pump: &mut Option<Pump>) {
    if let Some(pump) = pump {
        pump.pass_on().await;
    }
}
