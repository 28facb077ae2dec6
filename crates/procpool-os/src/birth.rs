//! A new process that becomes another program, without the parent waiting for it.
//!
//! `posix_spawn` and `vfork` hold the calling thread until the new program is loaded, which takes a good
//! part of a worker's start, and a fork that doesn't copies the parent's page tables. Here the child
//! runs in the parent's memory, as after `vfork`, but beside the parent (`CLONE_VM` without
//! `CLONE_VFORK`). That is allowed as long as what the child touches is there and is nobody else's:
//!
//! - *Its memory* is a [`Birth`]: its stack and all that it reads. It exists until the child is known
//!   to have left that memory, to another program or by its end.
//! - *Thread-local variables* are those of the thread that spawned, which goes on: so the child touches
//!   none, `errno` neither. It makes its system calls by itself, allocates nothing, and can't panic.
//! - *Signals*: what a handler of the parent's would do in it would happen to the parent. All are
//!   blocked before it exists, and it leaves it to its program to [unblock](crate::signals::unblock_all) them,
//!   for which there are no handlers any more. To remove each of them here would take longer than all else.
//! - *Descriptors* and the table of handlers are copies, and what it changes there is its own.

use std::ffi::{c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::process::Pid;

use crate::signals;
use crate::strings::Strings;
use crate::syscall::{LEAVES_ERRNO, syscall};

/// What a new process is to become.
#[derive(Debug)]
pub(crate) struct Program {
    /// Of the executable, and of the directory to start in, if that is not the parent's.
    pub(crate) paths: Strings,
    pub(crate) args: Strings,
    pub(crate) env: Strings,
    /// What replaces the three standard streams. None of them is one of the three itself.
    pub(crate) streams: [Option<OwnedFd>; 3],
}

/// What a process needs until it has become its program.
///
/// It is dropped only when the process has ended, or [has left](Birth::has_left); else it is to be
/// [leaked](Birth::leak).
#[derive(Debug)]
pub(crate) struct Birth(Box<Womb>);

/// The memory in which the child is born.
#[derive(Debug)]
struct Womb {
    /// This and the following are ended by a null.
    paths: Box<[*const c_char]>,
    args: Box<[*const c_char]>,
    env: Box<[*const c_char]>,
    /// Negative for a stream that is inherited.
    streams: [RawFd; 3],
    /// The kernel makes it zero once the child has another memory, or none: `set_tid_address(2)`.
    inside: AtomicI32,
    /// Why the child could not become its program; zero as long as it could.
    error: AtomicI32,
    stack: Box<[MaybeUninit<u64>]>,
    /// What the pointers point into.
    _strings: [Strings; 3],
}

// SAFETY: the pointers are to memory that the value owns and nobody writes to; the rest is plain data and
// atomic words.
unsafe impl Send for Womb {}
// SAFETY: as above.
unsafe impl Sync for Womb {}

/// Words of the child's stack: 32 KiB, as in `posix_spawn`, of which it touches a page or two.
const STACK_WORDS: usize = 4096;

/// Whether the parent goes on beside the child. Where system calls can't be made without touching `errno`, it waits
/// as after `vfork`; so it does under emulators, which know of no other child that shares memory and is no
/// thread. Valgrind ends a program that wants one, and is known by what it preloads.
fn goes_on() -> bool {
    let preloaded = || std::env::var_os("LD_PRELOAD").unwrap_or_default();
    let name = b"vgpreload_";
    LEAVES_ERRNO
        && !preloaded()
            .as_encoded_bytes()
            .windows(name.len())
            .any(|part| part == name)
}

impl Birth {
    /// Starts a process that becomes `program`, in a process group of its own, with all signals blocked.
    ///
    /// # Errors
    /// Out of processes, descriptors or memory. No process is left then.
    pub(crate) fn give(program: Program) -> io::Result<(Pid, OwnedFd, Birth)> {
        let streams = program.streams.each_ref().map(|stream| stream.as_ref());
        let streams = streams.map(|stream| stream.map_or(-1, AsRawFd::as_raw_fd));
        let mut womb = Box::new(Womb {
            paths: program.paths.pointers(),
            args: program.args.pointers(),
            env: program.env.pointers(),
            streams,
            inside: AtomicI32::new(1),
            error: AtomicI32::new(0),
            stack: Box::new_uninit_slice(STACK_WORDS),
            _strings: [program.paths, program.args, program.env],
        });
        // It grows downwards, and must be aligned to 16 bytes.
        let top = womb.stack.as_mut_ptr_range().end;
        let top = top.map_addr(|address| address & !15).cast::<c_void>();
        let mut pidfd: c_int = -1;
        let mut clone = |wait: c_int| {
            let flags = libc::CLONE_VM | wait | libc::CLONE_PIDFD | libc::SIGCHLD;
            let womb = (&raw const *womb).cast_mut().cast::<c_void>();
            // SAFETY: `be_born` keeps to what this module's documentation says. The womb and the stack in it
            // outlive the child's stay, by the contract of `Birth`. `pidfd` is a local, which the kernel
            // writes to before the call returns.
            let pid = unsafe { libc::clone(be_born, top, flags, womb, &raw mut pidfd) };
            match pid < 0 {
                true => Err(io::Error::last_os_error()),
                false => Ok(pid),
            }
        };
        let before = signals::block_all()?;
        let pid = match goes_on() {
            // QEMU's user mode says this of flags that it does not emulate.
            true => match clone(0) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    clone(libc::CLONE_VFORK)
                }
                pid => pid,
            },
            false => clone(libc::CLONE_VFORK),
        };
        signals::restore(&before);
        // The child has copies.
        drop(program.streams);
        let pid = pid?;
        // SAFETY: the call succeeded, so this is the child's pidfd, which nobody else owns.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        let pid = Pid::from_raw(pid).expect("a child has a number");
        Ok((pid, pidfd, Birth(womb)))
    }

    /// Whether the process has become its program, or has ended.
    ///
    /// If it was killed before its first instruction, this stays false.
    pub(crate) fn has_left(&self) -> bool {
        self.0.inside.load(Ordering::Acquire) == 0
    }

    /// Why the process could not become its program. Means something once it has ended.
    pub(crate) fn error(&self) -> Option<io::Error> {
        match self.0.error.load(Ordering::Acquire) {
            0 => None,
            error => Some(io::Error::from_raw_os_error(error)),
        }
    }

    /// Keeps the memory for ever, since nobody knows what has become of the process.
    pub(crate) fn leak(self) {
        Box::leak(self.0);
    }
}

/// The child: makes itself what it is to be, and becomes its program. It runs in the parent's memory.
extern "C" fn be_born(womb: *mut c_void) -> c_int {
    // SAFETY: it is the pointer that `Birth::give` passed, to a womb that lives while the child is inside, and
    // of which only atomic words change.
    let womb = unsafe { &*womb.cast_const().cast::<Womb>() };
    // SAFETY: the word lives for as long as the child is in this memory, and that is when the kernel writes to
    // it.
    unsafe { syscall(libc::SYS_set_tid_address, [address(&womb.inside), 0, 0, 0]) };
    let failed = become_program(womb);
    womb.error.store(failed, Ordering::Release);
    // SAFETY: it ends this process, whose only thread this is, and runs nothing of the parent's.
    unsafe { syscall(libc::SYS_exit_group, [EXIT_NO_PROGRAM, 0, 0, 0]) };
    0
}

/// What shells exit with when there is no such program.
const EXIT_NO_PROGRAM: usize = 127;

/// Gives the kernel's error number; if all is well, it doesn't return.
fn become_program(womb: &Womb) -> i32 {
    default_broken_pipes();
    // SAFETY: the call takes two numbers.
    let mut answer = unsafe { syscall(libc::SYS_setpgid, [0; 4]) };
    if answer < 0 {
        return error_of(answer);
    }
    for (stream, &descriptor) in (0..).zip(&womb.streams) {
        if let Ok(descriptor) = usize::try_from(descriptor) {
            // SAFETY: the call takes three numbers, and what it closes is the child's.
            answer = unsafe { syscall(libc::SYS_dup3, [descriptor, stream, 0, 0]) };
        }
        if answer < 0 {
            return error_of(answer);
        }
    }
    let [path, directory, ..] = &*womb.paths else {
        return libc::ENOENT;
    };
    if !directory.is_null() {
        // SAFETY: it is a string that lives as long as the womb.
        answer = unsafe { syscall(libc::SYS_chdir, [address(*directory), 0, 0, 0]) };
        if answer < 0 {
            return error_of(answer);
        }
    }
    let (args, env) = (address(womb.args.as_ptr()), address(womb.env.as_ptr()));
    // SAFETY: the path is a string, and the others are lists of such, ended by a null; all live as long as the
    // womb.
    error_of(unsafe { syscall(libc::SYS_execve, [address(*path), args, env, 0]) })
}

/// Has `SIGPIPE` do what it does by default, which is ignored in every Rust program and is not to be in the programs
/// that a worker starts. The kernel removes the parent's handlers as this becomes another program.
fn default_broken_pipes() {
    /// The kernel's `sigaction`: the handler comes first, and zero is the default of all.
    const DEFAULT: [usize; 4] = [libc::SIG_DFL; 4];
    let set = [
        libc::SIGPIPE as usize,
        address(&DEFAULT),
        0,
        size_of::<u64>(),
    ];
    // SAFETY: the pointer is to a constant that is as large as the kernel's structure at least; no old action is
    // asked for.
    unsafe { syscall(libc::SYS_rt_sigaction, set) };
}

fn address<T>(of: *const T) -> usize {
    of.expose_provenance()
}

fn error_of(answer: isize) -> i32 {
    // The kernel's error numbers are below 4096.
    answer.wrapping_neg() as i32
}
