//! A function that runs before `main`.
//!
//! The `main` of a test binary belongs to the test harness. For its tests to have
//! workers, a new process of the binary must become a worker before the harness runs. An entry in the
//! executable's list of constructors does that.

/// Calls `$function`, a path to a `fn()`, before `main`, once for each expansion.
///
/// It is an item or a statement. It may be used in crates that `forbid(unsafe_code)`, and in the expansion of
/// other macros. It must be expanded in the crate of the executable itself (a program, a test, an
/// example): from a library, the linker may drop it.
///
/// In the function, arguments (on glibc), the environment, printing, threads and
/// `std::process::exit` work. The thread has no name yet, and constructors of other libraries may
/// not have run. After it returns, the program starts as usual. If it panics, the process exits with 101, as
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

            // SAFETY: `.init_array` is a list of pointers to C functions, and this is one.
            #[used]
            #[unsafe(link_section = ".init_array")]
            static CONSTRUCTOR: extern "C" fn() = constructor;
        };
    };
}

/// The expansion of [`before_main!`](crate::before_main) calls it. Not to be called otherwise.
#[doc(hidden)]
pub fn run(function: fn()) {
    ignore_broken_pipes();
    if std::panic::catch_unwind(function).is_err() {
        std::process::exit(101);
    }
}

/// Makes a write to a closed pipe return an error, as in any Rust program from `main` on.
///
/// The standard library does the same a moment later, right before `main`.
fn ignore_broken_pipes() {
    // SAFETY: no handler is installed, so no code runs in a signal's context.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
