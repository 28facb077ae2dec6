//! Which signals a thread lets through.
//!
//! A worker is born with all of them blocked, since until it has become its own program it shares
//! its parent's memory, where a handler would run. Nothing else keeps them from it: `SIGKILL` can't be blocked.

use std::io;
use std::mem::MaybeUninit;

/// Those that a thread had blocked.
pub(crate) struct Before(libc::sigset_t);

/// Blocks all signals in this thread, and says which were blocked before.
pub(crate) fn block_all() -> io::Result<Before> {
    let mut all = MaybeUninit::uninit();
    // SAFETY: the pointer is to a local of the right type, which is initialized by it.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the call above has initialized it.
    replace(unsafe { all.assume_init_ref() })
}

/// Has this thread block what it did before.
pub(crate) fn restore(Before(before): &Before) {
    // It has worked a moment ago, and there is no other reason for it to fail than a wrong argument.
    let _ = replace(before);
}

/// The worker: lets through all signals, which are blocked in a process that was
/// [spawned](crate::SpawnSpec::spawn) until then. Those that have come meanwhile come now.
///
/// For its first thread, before there are others: a new thread blocks what the one does that starts it.
///
/// # Errors
///
/// What the kernel says; none is known.
///
/// ```
/// procpool_os::signals::unblock_all()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn unblock_all() -> io::Result<()> {
    let mut none = MaybeUninit::uninit();
    // SAFETY: the pointer is to a local of the right type, which is initialized by it.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: the call above has initialized it.
    replace(unsafe { none.assume_init_ref() }).map(drop)
}

fn replace(blocked: &libc::sigset_t) -> io::Result<Before> {
    let mut before = MaybeUninit::uninit();
    // SAFETY: both pointers are to values of the right type, the first one initialized.
    let answer = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, blocked, before.as_mut_ptr()) };
    if answer != 0 {
        return Err(io::Error::from_raw_os_error(answer));
    }
    // SAFETY: the call succeeded, so it has written the set.
    Ok(Before(unsafe { before.assume_init() }))
}
