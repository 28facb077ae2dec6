//! How a worker ended.

use rustix::process::WaitIdStatus;

/// How a worker ended.
///
/// It has neither a code nor a signal if the worker was reaped elsewhere.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct WorkerStatus {
    code: Option<i32>,
    signal: Option<i32>,
}

impl WorkerStatus {
    pub(super) const UNKNOWN: WorkerStatus = WorkerStatus {
        code: None,
        signal: None,
    };

    /// The exit code, if the worker exited.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    /// The signal that ended the worker, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.signal
    }

    pub(super) fn of(status: &WaitIdStatus) -> WorkerStatus {
        WorkerStatus {
            code: status.exit_status(),
            signal: status.terminating_signal(),
        }
    }
}
