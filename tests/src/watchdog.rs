//! The bound of [`patiently`](crate::patiently) for runtimes whose clock is paused or missing.

use std::future::Future;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;

/// As for [`patiently`](crate::patiently), in real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs what must end, on a single-threaded runtime of its own that is built as told.
///
/// # Panics
/// If it does, and if it has not ended after a minute.
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
        // If nobody listens, the test has failed already.
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
