//! A child process by its pidfd: to wait for it, to reap it and to signal it.
//!
//! # Process numbers are not trusted
//!
//! The kernel reserves a child's number until the child is reaped. The program may ignore `SIGCHLD`, then the
//! kernel reaps a child as soon as it exits, or another thread may call `wait(-1)`. After that the number may belong
//! to a stranger. So the child is named by its pidfd wherever the kernel allows that: to wait, to reap, and to
//! signal it and, since Linux 6.9, its group. Where only the number is accepted, the child is signalled right after
//! the kernel has confirmed that it is still this process's unreaped child. For the number to change hands
//! between these two system calls, the child would have to exit and be reaped, and the kernel would
//! have to assign all other numbers first, since it assigns them in turn.

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group,
    pidfd_open, pidfd_send_signal, waitid,
};
use rustix::time::Timespec;

/// Names a child process that leads a process group of its own.
///
/// As a descriptor it is readable once the child has exited.
#[derive(Debug)]
pub(crate) struct ProcessHandle {
    pid: Pid,
    descriptor: Descriptor,
}

#[derive(Debug)]
enum Descriptor {
    Pidfd(OwnedFd),
    /// The read end of a pipe that a thread writes to when the child has exited. Valgrind's system calls lack
    /// `pidfd_open` (version 3.19, for one).
    Pipe(OwnedFd),
}

/// Neither blocks nor reaps.
const LOOK_ONLY: WaitIdOptions = WaitIdOptions::NOHANG
    .union(WaitIdOptions::NOWAIT)
    .union(WaitIdOptions::EXITED);

impl ProcessHandle {
    /// Opens a child that was just spawned.
    ///
    /// # Errors
    ///
    /// Out of descriptors or threads. `ECHILD` or `ESRCH` if the child has exited and was reaped elsewhere; its
    /// number may belong to a stranger then.
    pub(crate) fn open(pid: Pid) -> io::Result<ProcessHandle> {
        let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
            // A sandbox may refuse unknown system calls with `EPERM`.
            Err(Errno::NOSYS | Errno::PERM) => Descriptor::Pipe(watch_in_thread(pid)?),
            opened => Descriptor::Pidfd(opened?),
        };
        let handle = ProcessHandle { pid, descriptor };
        handle.look()?;
        Ok(handle)
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// How the child ended, if it has; it stays to be reaped.
    pub(crate) fn look(&self) -> rustix::io::Result<Option<WaitIdStatus>> {
        self.wait(LOOK_ONLY)
    }

    /// Reaps the child if it has ended.
    pub(crate) fn reap(&self) -> rustix::io::Result<Option<WaitIdStatus>> {
        self.wait(WaitIdOptions::NOHANG | WaitIdOptions::EXITED)
    }

    fn wait(&self, options: WaitIdOptions) -> rustix::io::Result<Option<WaitIdStatus>> {
        retry_on_intr(|| match &self.descriptor {
            Descriptor::Pidfd(pidfd) => waitid(WaitId::PidFd(pidfd.as_fd()), options),
            Descriptor::Pipe(_) => waitid(WaitId::Pid(self.pid), options),
        })
    }

    /// Whether the child has exited; waits for that if there is no `patience`.
    pub(crate) fn has_exited(&self, patience: Option<&Timespec>) -> io::Result<bool> {
        let mut watched = [PollFd::new(self, PollFlags::IN)];
        retry_on_intr(|| poll(&mut watched, patience))?;
        Ok(!watched[0].revents().is_empty())
    }

    /// Sends `SIGKILL` to the child, which may have left the group that it led, and to its group.
    pub(crate) fn kill_with_group(&self) {
        if !self.kill_group_by_pidfd() && self.look().is_ok() {
            let _nobody_left_is_fine = kill_process_group(self.pid, Signal::KILL);
        }
        let _gone_is_fine = match &self.descriptor {
            Descriptor::Pidfd(pidfd) => pidfd_send_signal(pidfd, Signal::KILL),
            Descriptor::Pipe(_) => self
                .look()
                .and_then(|_| kill_process(self.pid, Signal::KILL)),
        };
    }

    /// Sends `SIGKILL` to the group that the child led, also if the child is reaped already. Never signals a stranger.
    ///
    /// True if that is done or the group is empty. False if the kernel is older than Linux 6.9 or a sandbox
    /// forbids it.
    pub(crate) fn kill_group_by_pidfd(&self) -> bool {
        const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;
        let Descriptor::Pidfd(pidfd) = &self.descriptor else {
            return false;
        };
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
}

impl AsFd for ProcessHandle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.descriptor {
            Descriptor::Pidfd(descriptor) | Descriptor::Pipe(descriptor) => descriptor.as_fd(),
        }
    }
}

/// Waits for the child in a thread. The pipe is readable once the child has exited.
fn watch_in_thread(pid: Pid) -> io::Result<OwnedFd> {
    let (reader, mut writer) = io::pipe()?;
    let wait = move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let _reaped_is_over_too = retry_on_intr(|| waitid(WaitId::Pid(pid), options));
        let _closing_it_tells_as_well = writer.write_all(&[0]);
    };
    std::thread::Builder::new()
        .name("procpool-wait".into())
        .spawn(wait)?;
    Ok(reader.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    use super::*;

    /// A process that ends when its group is killed.
    fn sleeper() -> (Child, Pid) {
        let child = Command::new("sleep").arg("600").process_group(0).spawn();
        let child = child.unwrap();
        let pid = Pid::from_child(&child);
        (child, pid)
    }

    /// As on a system without pidfds.
    fn by_number(pid: Pid) -> ProcessHandle {
        let descriptor = Descriptor::Pipe(watch_in_thread(pid).unwrap());
        ProcessHandle { pid, descriptor }
    }

    #[test]
    fn a_child_is_killed_and_reaped_also_without_a_pidfd() {
        for is_pidfd in [true, false] {
            let (_child, pid) = sleeper();
            let handle = match is_pidfd {
                true => ProcessHandle::open(pid).unwrap(),
                false => by_number(pid),
            };
            assert!(handle.look().unwrap().is_none());
            assert!(!handle.has_exited(Some(&Timespec::default())).unwrap());
            handle.kill_with_group();
            assert!(handle.has_exited(None).unwrap());
            for status in [handle.look(), handle.reap()] {
                let signal = status.unwrap().unwrap().terminating_signal();
                assert_eq!(signal, Some(libc::SIGKILL));
            }
            assert_eq!(handle.reap().err(), Some(Errno::CHILD));
        }
    }

    /// As if the child was reaped elsewhere and its number was given to another process.
    #[test]
    fn a_process_that_is_no_child_is_not_signalled_by_its_number() {
        let shell = Command::new("sh")
            .args(["-c", "setsid sleep 600 >/dev/null 2>&1 & echo $!"])
            .output();
        let pid = String::from_utf8(shell.unwrap().stdout).unwrap();
        let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        by_number(pid).kill_with_group();
        rustix::process::test_kill_process(pid).unwrap();
        assert_eq!(
            ProcessHandle::open(pid).unwrap_err().raw_os_error(),
            Some(libc::ECHILD)
        );
        kill_process(pid, Signal::KILL).unwrap();
    }
}
