//! Kills a worker, even one that is still being spawned.

use std::io;

use parking_lot::Mutex;
use procpool_os::{WorkerProcess, WorkerStatus};

/// Holds a worker's process. It exists before the process is spawned and after it is reaped.
///
/// Pulling the switch kills the worker's process group now, or as soon as the process is spawned.
#[derive(Debug, Default)]
pub(crate) struct KillSwitch(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_pulled: bool,
    process: Option<WorkerProcess>,
}

impl KillSwitch {
    pub(crate) fn install(&self, process: WorkerProcess) {
        let mut inner = self.0.lock();
        if inner.is_pulled {
            process.kill_group();
        }
        inner.process = Some(process);
    }

    pub(crate) fn pull(&self) {
        let mut inner = self.0.lock();
        inner.is_pulled = true;
        if let Some(process) = &inner.process {
            process.kill_group();
        }
    }

    pub(crate) fn is_pulled(&self) -> bool {
        self.0.lock().is_pulled
    }

    /// Reaps the process if it has ended; `None` if it still runs.
    pub(crate) fn try_reap(&self) -> io::Result<Option<WorkerStatus>> {
        match &mut self.0.lock().process {
            Some(process) => process.try_reap(),
            None => Ok(None),
        }
    }

    /// Kills the process group and reaps its leader. Blocks until both are done.
    pub(crate) fn finish(&self) {
        let mut inner = self.0.lock();
        inner.is_pulled = true;
        // Dropping the process does both.
        inner.process = None;
    }
}
