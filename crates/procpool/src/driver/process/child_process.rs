//! The process of one worker, which leads its process group.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use procpool_os::{WorkerProcess, WorkerStatus};

use crate::driver::process::kill_switch::KillSwitch;
use crate::driver::process::worker_limits::tells_of_memory;
use crate::driver::wait::readiness::Readiness;
use crate::error::{ExitCause, WorkerExit};
use crate::output::Tail;

/// Waits for a worker's process to end, and reaps it.
#[derive(Debug)]
pub(crate) struct ChildProcess {
    switch: Arc<KillSwitch>,
    pid: u32,
    /// Readable once the process has ended: `pidfd_open(2)`.
    pidfd: Readiness,
    born: Instant,
}

impl ChildProcess {
    /// Watches a process that was spawned at `born`, and puts it under the switch.
    pub(crate) fn new(
        process: WorkerProcess,
        switch: Arc<KillSwitch>,
        born: Instant,
    ) -> io::Result<Self> {
        let pid = process.pid();
        let pidfd = Readiness::new(&process);
        switch.install(process);
        Ok(ChildProcess {
            switch,
            pid,
            pidfd: pidfd?,
            born,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the process has ended, idle or busy.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn ended(&self) {
        self.pidfd.readable().await;
    }

    pub(crate) fn kill(&self) {
        self.switch.pull();
    }

    /// Waits until the process has ended, kills the rest of its group, and reaps it.
    pub(crate) async fn reap(&self) -> Reaped {
        loop {
            self.ended().await;
            match self.switch.try_reap() {
                Ok(Some(status)) => {
                    let uptime = self.born.elapsed();
                    return Reaped {
                        pid: self.pid,
                        status: Some(status),
                        uptime,
                    };
                }
                Ok(None) => tokio::task::yield_now().await,
                Err(error) => {
                    tracing::error!(%error, "procpool: a worker can't be reaped");
                    return Reaped {
                        pid: self.pid,
                        status: None,
                        uptime: self.born.elapsed(),
                    };
                }
            }
        }
    }
}

/// A process that is reaped.
#[derive(Debug)]
pub(crate) struct Reaped {
    pid: u32,
    status: Option<WorkerStatus>,
    uptime: Duration,
}

impl Reaped {
    pub(crate) fn exit(self, cause: Option<ExitCause>, stderr: &Tail) -> WorkerExit {
        let code = self.status.and_then(|status| status.code());
        let signal = self.status.and_then(|status| status.signal());
        let exit = WorkerExit::new(self.pid, (code, signal), self.uptime, cause, stderr.text());
        exit.out_of_memory(tells_of_memory(stderr))
    }
}
