//! The signals that a thread blocks.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// Lets the calling thread receive all signals.
///
/// A worker calls it in its first thread, before it starts others: a process inherits the mask of the thread
/// that spawned it, and a thread inherits the mask of the thread that started it.
///
/// # Errors
///
/// The kernel's error; none is known.
///
/// ```
/// procpool_os::signals::unblock_all()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn unblock_all() -> io::Result<()> {
    let mut none = MaybeUninit::uninit();
    // SAFETY: the pointer is to a local of the right type, which the call initializes.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: the set was initialized by the call above, and a null pointer asks for no old mask.
    let answer =
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut()) };
    match answer {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}
