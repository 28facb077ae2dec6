//! A worker as a child process: spawn, kill, reap.
//!
//! A worker leads a process group of its own, so that it can be ended together with everything that
//! it started, and so that a Ctrl-C in a terminal reaches the parent alone.
//!
//! The invariant of this module: *the group is killed before its leader is reaped, and never after.*
//! Until it is reaped, the leader's number is reserved and no stranger can get it. A lock keeps a
//! kill in one thread and the reaping in another apart.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, pidfd_open,
    pidfd_send_signal, waitid,
};
use rustix::time::Timespec;

/// How to start a worker.
#[derive(Debug)]
pub struct SpawnSpec {
    /// What process listings show as the program's name.
    pub arg0: OsString,
    /// The arguments after that.
    pub args: Vec<OsString>,
    /// Changes of the environment: set to a value, or removed.
    pub env: Vec<(OsString, Option<OsString>)>,
    /// Whether to start out from an empty environment instead of the parent's.
    pub env_clear: bool,
    /// The directory to start in, instead of the parent's.
    pub current_dir: Option<PathBuf>,
    /// The worker's standard input: its end of the [socket pair](crate::socket::pair).
    pub stdin: OwnedFd,
    /// The worker's standard output.
    pub stdout: Stdio,
    /// The worker's standard error.
    pub stderr: Stdio,
}

impl SpawnSpec {
    /// A worker with that standard input, the parent's environment, directory and output.
    #[must_use]
    pub fn new(arg0: impl Into<OsString>, stdin: OwnedFd) -> SpawnSpec {
        SpawnSpec {
            arg0: arg0.into(),
            args: Vec::new(),
            env: Vec::new(),
            env_clear: false,
            current_dir: None,
            stdin,
            stdout: Stdio::inherit(),
            stderr: Stdio::inherit(),
        }
    }

    /// Starts the executable of this very process as a worker, in a process group of its own.
    ///
    /// It is `/proc/self/exe` that is started, so the same build even if the file was replaced or
    /// deleted. Nothing runs between fork and exec (`pre_exec`), so the standard library takes the
    /// way that doesn't copy the parent's page tables. Blocks until the exec is done, about a
    /// millisecond.
    ///
    /// # Errors
    ///
    /// What the kernel says: out of processes, descriptors or memory, or `/proc` is not mounted.
    /// No process is left then.
    pub fn spawn(self) -> io::Result<WorkerProcess> {
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0(self.arg0)
            .args(self.args)
            .stdin(self.stdin)
            .stdout(self.stdout)
            .stderr(self.stderr)
            .process_group(0);
        if self.env_clear {
            command.env_clear();
        }
        for (name, value) in self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = self.current_dir {
            command.current_dir(directory);
        }
        let mut child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                // It has run for microseconds, is not reaped, and can't be watched: end it here.
                let _ = kill_process_group(pid, Signal::KILL);
                let _ = child.wait();
                return Err(error.into());
            }
        };
        // From here on the drop of `WorkerProcess` cleans up.
        let mut worker = WorkerProcess {
            pid,
            pidfd,
            stdout: child.stdout.take().map(OwnedFd::from),
            stderr: child.stderr.take().map(OwnedFd::from),
            status: Mutex::new(None),
        };
        for output in [&mut worker.stdout, &mut worker.stderr]
            .into_iter()
            .flatten()
        {
            rustix::io::ioctl_fionbio(output, true)?;
        }
        Ok(worker)
    }
}

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
}

impl WorkerProcess {
    /// The worker's process number, and that of its group. After reaping it may be someone else's.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The parent's end of the worker's standard output, nonblocking; if it was
    /// [piped](Stdio::piped), and only once.
    pub fn take_stdout(&mut self) -> Option<OwnedFd> {
        self.stdout.take()
    }

    /// The parent's end of the worker's standard error, nonblocking; if it was
    /// [piped](Stdio::piped), and only once.
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
        let _ = self.reap();
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
