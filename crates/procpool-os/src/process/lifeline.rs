//! The lifeline: kills a worker's whole process group when its parent dies.
//!
//! A lifeline is a pipe through which nothing is ever sent. The parent holds the only write end. The
//! worker holds the read end and asks the kernel to send `SIGKILL` to its process group on the next
//! event of the pipe (`O_ASYNC`, `F_SETOWN`, `F_SETSIG`). That event is the close of the write end.
//! However the parent ends, also by `SIGKILL`, the kernel closes it.
//!
//! The programs that the worker starts inherit its end. The request to the kernel
//! belongs to the open pipe and not to the process that made it, so it holds as long as any process of
//! the group has the pipe open. A worker that ends before its parent, or is not
//! reaped yet when the parent is killed, leaves no child behind.
//!
//! Why other ways are not enough:
//! - `PR_SET_PDEATHSIG` follows the *thread* that spawned the worker, fires when a runtime ends
//!   that thread, and never reaches the worker's children.
//! - The end of the worker's socket is noticed only by a worker that reads, not by one that computes.
//! - A thread in the worker that polls the pipe costs a thread, does not run while the worker is
//!   stopped (`SIGSTOP`), and ends with the worker. [`arm`] uses it where the kernel offers nothing better.
//!
//! The lifeline does not reach a process that left the group (`setsid`), nor one that the worker may not
//! signal. A process that the parent *forks without exec* inherits the write end. While it lives, the worker's group
//! is not killed.

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::{FdFlags, retry_on_intr};
use rustix::pipe::PipeFlags;
use rustix::process::Signal;
use rustix::time::Timespec;

use crate::io::stdio;

/// The parent's end of a lifeline.
///
/// Dropping it kills the worker's process group within microseconds.
#[derive(Debug)]
#[must_use = "dropping a lifeline kills the worker that it was passed to"]
pub struct Lifeline {
    _write_end: OwnedFd,
}

/// Makes a lifeline: the parent's end, and the descriptor to send to the worker.
///
/// Both are close-on-exec. The parent must close its copy of the worker's descriptor after it has sent
/// it, which dropping does.
///
/// # Errors
///
/// The kernel's error: out of descriptors or memory.
pub fn lifeline() -> io::Result<(Lifeline, OwnedFd)> {
    let (read_end, write_end) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let lifeline = Lifeline {
        _write_end: write_end,
    };
    Ok((lifeline, read_end))
}

/// The worker's end of an armed lifeline. It can't be disarmed, and dropping this does nothing.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ArmedLifeline {
    /// The kernel kills the group, also while the worker is stopped.
    ByKernel,
    /// A thread of the worker kills the group. The kernel or a sandbox refuses the other way.
    ByThread,
}

impl ArmedLifeline {
    /// Ends a worker whose parent has closed its socket, so that nothing outlives a dead parent.
    ///
    /// [`ByKernel`](ArmedLifeline::ByKernel) it exits with `code`, since the kernel kills the
    /// rest of the group. A thread would end with this process. So [`ByThread`](ArmedLifeline::ByThread) it
    /// flushes standard output and kills the whole group now, this process included.
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

/// The worker: from now on it is killed when its parent ends, together with its whole process group.
///
/// If the parent has ended already, this call doesn't return. The pipe stays open to the end of the
/// process, under a high number, and the programs that the worker starts inherit it.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] if the process does not lead its process group, because the group
/// would belong to another process, or if the descriptor is not a pipe. Otherwise the kernel's error, for
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
    // The parent may have ended before the kernel was asked. A later end sends the signal.
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
    // A negative owner is a process group. The owner and the signal come before the event is enabled.
    fcntl(descriptor, libc::F_SETOWN, -group)?;
    fcntl(descriptor, F_SETSIG, libc::SIGKILL)?;
    let flags = fcntl(descriptor, libc::F_GETFL, 0)?;
    fcntl(descriptor, libc::F_SETFL, flags | libc::O_ASYNC)?;
    // A sandbox may accept calls that it ignores.
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
        // After an error of poll nothing would notice the parent's end.
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
    // A pipe without writes has no other events.
    Ok(!watched[0].revents().is_empty())
}

fn kill_own_group() -> ! {
    let _ = rustix::process::kill_current_process_group(Signal::KILL);
    // Reached only if a sandbox forbids the signal, or before it arrives.
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
