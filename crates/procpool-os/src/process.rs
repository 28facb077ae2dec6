//! A worker as a child process: spawn, kill, reap.
//!
//! A worker leads a process group of its own, so that it can be ended together with everything that
//! it started, and so that a Ctrl-C in a terminal reaches the parent alone.
//!
//! The invariant of this module: *the group is killed before its leader is reaped, and never after.*
//! Until it is reaped, the leader's number is reserved and no stranger can get it. A lock keeps a
//! kill in one thread and the reaping in another apart.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, pidfd_send_signal, waitid,
};
use rustix::time::Timespec;

use crate::birth::Birth;

/// A worker that was started and is owned here: it ends with this value.
///
/// As a descriptor it is the process's pidfd, readable once the process has exited.
///
/// Dropping it kills the process group, if it has not been reaped, and waits for the process to be
/// gone: some hundred microseconds as a rule, longer only while the kernel holds the process in a
/// system call that can't be interrupted. No zombie and no descriptor is left.
#[derive(Debug)]
pub struct WorkerProcess {
    pid: Pid,
    pidfd: OwnedFd,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    /// Known once it is reaped.
    status: Mutex<Option<WorkerStatus>>,
    /// Until it is known that the worker has become its program.
    birth: Option<Birth>,
}

impl WorkerProcess {
    /// From here on the drop cleans up.
    pub(crate) fn new(
        (pid, pidfd, birth): (Pid, OwnedFd, Birth),
        stdout: Option<OwnedFd>,
        stderr: Option<OwnedFd>,
    ) -> Self {
        WorkerProcess {
            pid,
            pidfd,
            stdout,
            stderr,
            status: Mutex::new(None),
            birth: Some(birth),
        }
    }

    /// Why the worker never became its program; means something once it has ended.
    ///
    /// The executable can't be opened (`/proc` is not mounted), the directory is not there, or memory
    /// is short.
    #[must_use]
    pub fn start_error(&self) -> Option<io::Error> {
        self.birth.as_ref()?.error()
    }

    /// Gives back what the worker needed to start. To be called once it has said something; before it
    /// has started, nothing happens.
    pub fn has_started(&mut self) {
        self.birth
            .take_if(|birth| birth.has_left() && birth.error().is_none());
    }

    /// The worker's process number, and that of its group. After reaping it may be someone else's.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
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

    /// Sends `SIGKILL` to the worker and everything in its process group.
    ///
    /// Never hits a stranger: it does nothing once the worker is reaped. May be called often, and
    /// from any thread. The processes are not gone yet when it returns.
    pub fn kill_group(&self) {
        self.kill_unreaped(&self.status());
    }

    /// Reaps the worker if it has exited, and says how; `None` if it still runs. Doesn't block.
    ///
    /// What is left of its process group is killed before. Once reaped, each later call gives the
    /// same status.
    ///
    /// # Errors
    ///
    /// What the kernel says; none is known. That somebody else reaped the worker, or that `SIGCHLD`
    /// is ignored in this process, is not an error: the status says neither code nor signal then.
    pub fn try_reap(&self) -> io::Result<Option<WorkerStatus>> {
        let mut known = self.status();
        if known.is_some() {
            return Ok(*known);
        }
        let status = match self.wait(WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT) {
            Ok(None) => return Ok(None),
            Ok(Some(status)) => {
                // The zombie keeps the group's number reserved until the line after this one.
                self.kill_unreaped(&known);
                let _same = self.wait(WaitIdOptions::NOHANG);
                WorkerStatus::of(&status)
            }
            Err(Errno::CHILD) if self.has_exited(Some(&Timespec::default()))? => {
                // Its number may be someone else's by now. The pidfd still means the old group.
                kill_group_by_pidfd(self.pidfd.as_fd());
                WorkerStatus::UNKNOWN
            }
            // Not our child (the parent has forked itself?), but it runs.
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
            self.has_exited(None)?;
        }
    }

    fn status(&self) -> MutexGuard<'_, Option<WorkerStatus>> {
        // Nothing can panic while the lock is held.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill_unreaped(&self, status: &Option<WorkerStatus>) {
        if status.is_some() {
            return;
        }
        if !kill_group_by_pidfd(self.pidfd.as_fd()) {
            // Not reaped, by the module's invariant, so the number is still this group's.
            let _nobody_left_is_fine = kill_process_group(self.pid, Signal::KILL);
        }
        // It may have left the group that it was the leader of.
        let _gone_is_fine = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    fn wait(&self, patience: WaitIdOptions) -> rustix::io::Result<Option<WaitIdStatus>> {
        retry_on_intr(|| waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED | patience))
    }

    /// Whether it has exited; waits for that if there is no `patience`.
    fn has_exited(&self, patience: Option<&Timespec>) -> io::Result<bool> {
        let mut watched = [PollFd::new(&self.pidfd, PollFlags::IN)];
        retry_on_intr(|| poll(&mut watched, patience))?;
        Ok(!watched[0].revents().is_empty())
    }
}

impl AsFd for WorkerProcess {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl AsRawFd for WorkerProcess {
    fn as_raw_fd(&self) -> RawFd {
        self.pidfd.as_raw_fd()
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill_group();
        // A killed process exits; there is no one to tell of an error.
        let reaped = self.reap();
        if let (Err(_), Some(birth)) = (reaped, self.birth.take()) {
            birth.leak();
        }
    }
}

/// How a worker ended.
///
/// Neither a code nor a signal means that it ended, but that somebody else got to know how.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct WorkerStatus {
    code: Option<i32>,
    signal: Option<i32>,
    core_dumped: bool,
}

impl WorkerStatus {
    const UNKNOWN: WorkerStatus = WorkerStatus {
        code: None,
        signal: None,
        core_dumped: false,
    };

    /// The code that it exited with, if it exited.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    /// The signal that ended it, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.signal
    }

    /// Whether the kernel wrote a core dump.
    #[must_use]
    pub fn core_dumped(&self) -> bool {
        self.core_dumped
    }

    fn of(status: &WaitIdStatus) -> WorkerStatus {
        WorkerStatus {
            code: status.exit_status(),
            signal: status.terminating_signal(),
            core_dumped: status.dumped(),
        }
    }
}

/// Kills the process group that the pidfd's process leads, also if that process is reaped already.
///
/// Can't hit a stranger. True if it is done or there is nobody left; false if the kernel is older
/// than Linux 6.9 or a sandbox forbids it.
fn kill_group_by_pidfd(pidfd: BorrowedFd<'_>) -> bool {
    const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the call takes a descriptor, two numbers and a null pointer, and touches no memory.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            libc::SIGKILL,
            no_info,
            PIDFD_SIGNAL_PROCESS_GROUP,
        )
    };
    answer == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}
