//! A function that runs before `main`.
//!
//! A test binary has no `main` of the user's: the test harness owns it. For its tests to have
//! workers, the binary started again must become a worker before the harness runs. An entry in the
//! executable's list of constructors does that.

/// Has `$function`, a path to a `fn()`, called before `main`, once for each expansion.
///
/// Usable as an item or as a statement, in crates that `forbid(unsafe_code)` too, and by way of
/// other macros. It must be expanded in the crate of the executable itself (a program, a test, an
/// example): from a library, the linker may drop it.
///
/// In the function, arguments (on glibc), the environment, printing, threads and
/// `std::process::exit` work. The thread has no name yet, and constructors of other libraries may
/// not have run. If it returns, the program goes on. If it panics, the process exits with 101, as
/// from `main`, and `main` doesn't run.
///
/// ```
/// #![forbid(unsafe_code)]
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// static EARLY: AtomicBool = AtomicBool::new(false);
///
/// fn become_a_worker_if_told_to() {
///     EARLY.store(true, Ordering::Relaxed);
/// }
///
/// procpool_os::before_main!(become_a_worker_if_told_to);
///
/// fn main() {
///     assert!(EARLY.load(Ordering::Relaxed));
/// }
/// ```
#[macro_export]
macro_rules! before_main {
    ($function:path) => {
        const _: () = {
            extern "C" fn constructor() {
                $crate::early::run($function);
            }

            // SAFETY: `.init_array` is a list of pointers to C functions, which is what this is.
            #[used]
            #[unsafe(link_section = ".init_array")]
            static CONSTRUCTOR: extern "C" fn() = constructor;
        };
    };
}

/// What [`before_main!`](crate::before_main) expands to. Not to be called by itself.
#[doc(hidden)]
pub fn run(function: fn()) {
    ignore_broken_pipes();
    if std::panic::catch_unwind(function).is_err() {
        std::process::exit(101);
    }
}

/// Has a write to a closed pipe return an error, as in any Rust program from `main` on.
///
/// The standard library does the same a moment later, right before `main`.
fn ignore_broken_pipes() {
    // SAFETY: no handler is installed, so no code runs in a signal's context.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
