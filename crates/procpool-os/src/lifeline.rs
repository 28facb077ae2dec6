//! The end of a worker's whole process group when its parent dies.
//!
//! A lifeline is a pipe through which nothing is ever sent. The parent holds the only write end; the
//! worker holds the read end and asks the kernel to send `SIGKILL` to its process group on the next
//! event of the pipe (`O_ASYNC`, `F_SETOWN`, `F_SETSIG`). That event is the close of the write end.
//! Whatever ends the parent, `SIGKILL` included, closes it.
//!
//! The worker's end is inherited by the programs that the worker starts. The request to the kernel
//! belongs to the open pipe and not to the process that made it, so it holds as long as anybody in
//! the group has the pipe open. A worker that ends a moment before its parent, or crashes and is not
//! reaped yet when the parent is killed, leaves no child behind.
//!
//! Why this and not the obvious ways:
//! - `PR_SET_PDEATHSIG` follows the *thread* that spawned the worker, fires when a runtime retires
//!   that thread, and never reaches the worker's children.
//! - The end of the worker's socket is seen only by a worker that reads, and a worker computes.
//! - A thread in the worker that polls works, but costs a thread, and sleeps while the worker is
//!   stopped (`SIGSTOP`) and ends with the worker. It is what [`arm`] falls back to where the kernel offers nothing better.
//!
//! What it can't reach: a process that left the group (`setsid`), and one that the worker may not
//! signal. A process that the parent *forks without exec* inherits the write end, and while that
//! copy lives, the lifeline holds.

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::{FdFlags, retry_on_intr};
use rustix::pipe::PipeFlags;
use rustix::process::Signal;
use rustix::time::Timespec;

use crate::stdio;

/// The parent's end: while it exists, the worker may live.
///
/// Dropping it kills the worker's process group, in the kernel, within microseconds.
#[derive(Debug)]
#[must_use = "dropping a lifeline kills the worker that it was passed to"]
pub struct Lifeline {
    _write_end: OwnedFd,
}

/// Makes a lifeline: the parent's end, and the descriptor to pass to the worker.
///
/// Both are close-on-exec. The parent must close its copy of the worker's descriptor after passing
/// it, which dropping does.
///
/// # Errors
///
/// What the kernel says: out of descriptors or memory.
pub fn lifeline() -> io::Result<(Lifeline, OwnedFd)> {
    let (read_end, write_end) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let lifeline = Lifeline {
        _write_end: write_end,
    };
    Ok((lifeline, read_end))
}

/// The worker's end, armed. There is no way to disarm it, and dropping this does nothing.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ArmedLifeline {
    /// The kernel itself kills the group: also while the worker is stopped.
    ByKernel,
    /// A thread of the worker does. The kernel here (perhaps a sandbox) doesn't offer more.
    ByThread,
}

impl ArmedLifeline {
    /// Ends a worker whose parent has closed its socket, so that nothing outlives a dead parent.
    ///
    /// [`ByKernel`](ArmedLifeline::ByKernel) it exits with `code`, as the kernel looks after the
    /// rest of the group. A thread can't after this, so there the whole group is killed now, this
    /// process included, once standard output is flushed.
    pub fn exit(self, code: i32) -> ! {
        match self {
            ArmedLifeline::ByKernel => std::process::exit(code),
            ArmedLifeline::ByThread => {
                let _nobody_to_tell = io::stdout().flush();
                kill_own_group()
            }
        }
    }
}

/// The worker: from now on, dies with its parent, together with its whole process group.
///
/// If the parent is dead already, this call doesn't return. The pipe stays open to the end of the
/// process, under a high number, and is passed on to the programs that it starts.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] if the process does not lead its process group, because the group
/// would be someone else's, or if the descriptor is not a pipe. Otherwise what the kernel says, for
/// example when no thread can be started for the fallback.
pub fn arm(descriptor: OwnedFd) -> io::Result<ArmedLifeline> {
    let invalid = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
    let group = rustix::process::getpgrp();
    if group != rustix::process::getpid() {
        return Err(invalid("a worker must lead a process group of its own"));
    }
    rustix::pipe::fcntl_getpipe_size(&descriptor)
        .map_err(|_| invalid("the lifeline is not a pipe"))?;
    let descriptor = stdio::duplicate_high(descriptor)?;
    let by_kernel = arm_kernel(&descriptor, group.as_raw_nonzero().get());
    // The parent may have died before the kernel was asked. It can't have been missed after.
    if parent_is_gone(&descriptor, Some(&Timespec::default()))? {
        kill_own_group();
    }
    if by_kernel.is_err() {
        return arm_thread(descriptor);
    }
    rustix::io::fcntl_setfd(&descriptor, FdFlags::empty())?;
    // Closing it would disarm the lifeline.
    let _open_for_ever = descriptor.into_raw_fd();
    Ok(ArmedLifeline::ByKernel)
}

/// From the kernel's `asm-generic/fcntl.h`; libc lacks them.
const F_SETSIG: libc::c_int = 10;
const F_GETSIG: libc::c_int = 11;

fn arm_kernel(descriptor: &OwnedFd, group: i32) -> io::Result<()> {
    // A negative owner is a process group. The order matters: first who and what, then when.
    fcntl(descriptor, libc::F_SETOWN, -group)?;
    fcntl(descriptor, F_SETSIG, libc::SIGKILL)?;
    let flags = fcntl(descriptor, libc::F_GETFL, 0)?;
    fcntl(descriptor, libc::F_SETFL, flags | libc::O_ASYNC)?;
    // A sandbox may accept what it doesn't do.
    let accepted = fcntl(descriptor, F_GETSIG, 0)? == libc::SIGKILL
        && fcntl(descriptor, libc::F_GETFL, 0)? & libc::O_ASYNC != 0;
    if accepted {
        Ok(())
    } else {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn arm_thread(descriptor: OwnedFd) -> io::Result<ArmedLifeline> {
    let watch = move || {
        // An error of poll leaves the worker unwatched, and then it must not live.
        while let Ok(false) = parent_is_gone(&descriptor, None) {}
        kill_own_group();
    };
    std::thread::Builder::new()
        .name("procpool-lifeline".into())
        .spawn(watch)?;
    Ok(ArmedLifeline::ByThread)
}

/// Whether the write end is closed; waits for that if there is no `patience`.
fn parent_is_gone(descriptor: impl AsFd, patience: Option<&Timespec>) -> io::Result<bool> {
    let mut watched = [PollFd::new(&descriptor, PollFlags::empty())];
    retry_on_intr(|| rustix::event::poll(&mut watched, patience))?;
    // A pipe that nobody writes to knows no other events.
    Ok(!watched[0].revents().is_empty())
}

fn kill_own_group() -> ! {
    let _ = rustix::process::kill_current_process_group(Signal::KILL);
    // The signal is on its way, unless a sandbox forbids even that.
    std::process::abort();
}

fn fcntl(
    descriptor: &OwnedFd,
    command: libc::c_int,
    argument: libc::c_int,
) -> io::Result<libc::c_int> {
    // SAFETY: the commands used here take an int and touch no memory of this process.
    let answer = unsafe { libc::fcntl(descriptor.as_raw_fd(), command, argument) };
    if answer == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(answer)
}
