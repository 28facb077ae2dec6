//! A worker as a child process: kill and reap.
//!
//! A worker leads a process group of its own. So the parent can kill it together with every process that it
//! started, and a Ctrl-C in a terminal reaches the parent alone.
//!
//! The invariant of this module: *the group is killed before its leader is reaped, and never after.* A lock
//! keeps a kill in one thread and the reaping in another apart.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::process::Pid;
use rustix::time::Timespec;

use crate::process::handle::ProcessHandle;
use crate::process::worker_status::WorkerStatus;

/// A worker that was started and is owned here: it ends with this value.
///
/// As a descriptor it is readable once the process has exited; where the system has pidfds, it is one.
///
/// Dropping it kills the process group, unless the worker was reaped, and waits until the process is
/// gone. That takes some hundred microseconds, and longer only while the kernel holds the process in a
/// system call that can't be interrupted. No zombie and no descriptor is left.
#[derive(Debug)]
pub struct WorkerProcess {
    handle: ProcessHandle,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    /// Known once the worker is reaped.
    status: Mutex<Option<WorkerStatus>>,
}

impl WorkerProcess {
    /// Takes ownership of a process that was just spawned as the leader of its group.
    ///
    /// # Errors
    ///
    /// Out of descriptors, or the process is no longer this process's unreaped child, because it has exited
    /// already and was reaped elsewhere. The process is killed then.
    pub(crate) fn new(
        mut child: Child,
        stdout: Option<OwnedFd>,
        stderr: Option<OwnedFd>,
    ) -> io::Result<Self> {
        match ProcessHandle::open(Pid::from_child(&child)) {
            Ok(handle) => Ok(WorkerProcess {
                handle,
                stdout,
                stderr,
                status: Mutex::new(None),
            }),
            Err(error) => {
                let _gone_is_fine = child.kill();
                let _reaped_elsewhere_is_fine = child.wait();
                Err(error)
            }
        }
    }

    /// The worker's process number, which is also that of its group. After reaping it may belong to another process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.handle.pid().as_raw_nonzero().get().unsigned_abs()
    }

    /// The parent's end of the worker's standard output, nonblocking; if it was
    /// [piped](crate::OutputTo::Piped), and only once.
    pub fn take_stdout(&mut self) -> Option<OwnedFd> {
        self.stdout.take()
    }

    /// The parent's end of the worker's standard error, nonblocking; if it was
    /// [piped](crate::OutputTo::Piped), and only once.
    pub fn take_stderr(&mut self) -> Option<OwnedFd> {
        self.stderr.take()
    }

    /// Sends `SIGKILL` to the worker and every process in its group.
    ///
    /// It never signals a stranger: it does nothing once the worker is reaped. May be called often, and
    /// from any thread. The processes may still exist when it returns.
    pub fn kill_group(&self) {
        self.kill_unreaped(&self.status());
    }

    /// Reaps the worker if it has exited, and returns its status; `None` if it still runs. Doesn't block.
    ///
    /// The other processes of its group are killed before. After the worker was reaped, each call returns the
    /// same status.
    ///
    /// # Errors
    ///
    /// The kernel's error; none is known. If the worker was reaped elsewhere, or `SIGCHLD`
    /// is ignored in this process, that is no error: the status has neither code nor signal then.
    pub fn try_reap(&self) -> io::Result<Option<WorkerStatus>> {
        let mut known = self.status();
        if known.is_some() {
            return Ok(*known);
        }
        let status = match self.handle.look() {
            Ok(None) => return Ok(None),
            Ok(Some(status)) => {
                // The zombie keeps the group's number reserved until the line after this one.
                self.kill_unreaped(&known);
                let _same = self.handle.reap();
                WorkerStatus::of(&status)
            }
            Err(Errno::CHILD) if self.handle.has_exited(Some(&Timespec::default()))? => {
                // Reaped elsewhere, so its number may belong to a stranger. The pidfd still names the old
                // group. On a kernel without that, the rest of the group ends with the lifeline.
                self.handle.kill_group_by_pidfd();
                WorkerStatus::UNKNOWN
            }
            // It is no child of this process, which may be a fork of the parent, but it runs.
            Err(Errno::CHILD) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        *known = Some(status);
        Ok(*known)
    }

    /// Waits until the worker has exited, and reaps it as [`try_reap`](WorkerProcess::try_reap) does.
    ///
    /// Blocks the thread; another one may [kill](WorkerProcess::kill_group) meanwhile.
    ///
    /// # Errors
    ///
    /// As [`try_reap`](WorkerProcess::try_reap).
    pub fn reap(&self) -> io::Result<WorkerStatus> {
        loop {
            if let Some(status) = self.try_reap()? {
                return Ok(status);
            }
            self.handle.has_exited(None)?;
        }
    }

    fn status(&self) -> MutexGuard<'_, Option<WorkerStatus>> {
        // No code panics while the lock is held.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill_unreaped(&self, status: &Option<WorkerStatus>) {
        if status.is_none() {
            self.handle.kill_with_group();
        }
    }
}

impl AsFd for WorkerProcess {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

impl AsRawFd for WorkerProcess {
    fn as_raw_fd(&self) -> RawFd {
        self.handle.as_fd().as_raw_fd()
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill_group();
        // A killed process exits. An error can't be reported here.
        let _ = self.reap();
    }
}
