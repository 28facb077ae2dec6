//! The time limit of [`patiently`](crate::patiently) for runtimes whose clock is paused or missing.

use std::future::Future;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;

/// The limit of [`patiently`](crate::patiently), in real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a future that must become ready, on a single-threaded runtime of its own with the given options.
///
/// # Panics
/// If the future panics, or is not ready after a minute.
pub fn patiently_on<T, F>(
    configure: fn(&mut Builder) -> &mut Builder,
    test: impl FnOnce() -> F + Send + 'static,
) -> T
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        let mut builder = Builder::new_current_thread();
        let runtime = configure(&mut builder).build().expect("a runtime");
        let end = runtime.block_on(test());
        // If the receiver is gone, the test has already failed.
        let _ = sender.send(end);
    });
    match receiver.recv_timeout(PATIENCE) {
        Ok(end) => end,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("waited for {PATIENCE:?} in vain"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => panic!("the test has ended without an end"),
        },
    }
}
