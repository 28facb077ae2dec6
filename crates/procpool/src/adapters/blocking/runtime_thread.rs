//! The thread that drives the pool of a program without tokio.

use std::fmt;
use std::io;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::runtime;

use crate::error::BuildError;
use crate::pool::process_pool::ProcessPool;

/// The name of the thread in debuggers and in `top -H`.
const NAME: &str = "procpool";

/// A thread with a runtime for one pool. It ends when the pool's last worker is gone.
#[derive(Default)]
pub(super) struct RuntimeThread {
    /// `None` after the thread was joined.
    handle: Mutex<Option<JoinHandle<()>>>,
    ended: Arc<Ended>,
}

/// Whether the thread has ended.
#[derive(Debug, Default)]
struct Ended {
    has_ended: Mutex<bool>,
    changed: Condvar,
}

/// Notes the end of the thread, even if it panics.
struct NoteEnd(Arc<Ended>);

impl Drop for NoteEnd {
    fn drop(&mut self) {
        *self.0.has_ended.lock() = true;
        self.0.changed.notify_all();
    }
}

impl RuntimeThread {
    /// Starts the thread and builds the pool in it. If the pool can't be built, the runtime must be
    /// dropped in that thread too, since tokio forbids it in a thread that drives another runtime.
    pub(super) fn start<S: 'static>(
        build: impl FnOnce() -> Result<ProcessPool<S>, BuildError> + Send + 'static,
    ) -> Result<(ProcessPool<S>, Self), BuildError> {
        let ended = Arc::default();
        let note_end = NoteEnd(Arc::clone(&ended));
        let (sender, built) = mpsc::sync_channel(1);
        let handle = thread::Builder::new()
            .name(NAME.to_owned())
            .spawn(move || {
                let _note_end = note_end;
                drive(build, sender);
            })
            .map_err(BuildError::System)?;
        let answer = built.recv().unwrap_or_else(|_| {
            let error = io::Error::other("the thread of the pool ended at its start");
            Err(BuildError::System(error))
        });
        let thread = RuntimeThread {
            handle: Mutex::new(Some(handle)),
            ended,
        };
        match answer {
            Ok(pool) => Ok((pool, thread)),
            Err(error) => {
                thread.join();
                Err(error)
            }
        }
    }

    /// Waits until the thread has ended.
    pub(super) fn join(&self) {
        // A second caller waits here for the first one.
        let mut handle = self.handle.lock();
        if let Some(handle) = handle.take() {
            // The thread has printed its panic, and the panic has terminated the pool.
            let _ = handle.join();
        }
    }

    /// Waits until the thread has ended, for at most `limit`.
    pub(super) fn wait_timeout(&self, limit: Duration) {
        let deadline = Instant::now().checked_add(limit);
        let mut has_ended = self.ended.has_ended.lock();
        while !*has_ended {
            let changed = &self.ended.changed;
            match deadline {
                None => changed.wait(&mut has_ended),
                Some(deadline) => {
                    if changed.wait_until(&mut has_ended, deadline).timed_out() {
                        return;
                    }
                }
            }
        }
    }
}

impl fmt::Debug for RuntimeThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeThread").finish_non_exhaustive()
    }
}

fn drive<S>(
    build: impl FnOnce() -> Result<ProcessPool<S>, BuildError>,
    built: mpsc::SyncSender<Result<ProcessPool<S>, BuildError>>,
) {
    let runtime = match runtime::Builder::new_current_thread().enable_io().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = built.send(Err(BuildError::System(error)));
            return;
        }
    };
    runtime.block_on(async {
        let pool = match build() {
            Ok(pool) => pool,
            Err(error) => {
                let _ = built.send(Err(error));
                return;
            }
        };
        // The core does not keep the pool open, unlike a handle.
        let core = Arc::clone(pool.open().core());
        // If nobody receives the pool, it is dropped, which closes it.
        let _ = built.send(Ok(pool));
        core.stopped().await;
    });
}
