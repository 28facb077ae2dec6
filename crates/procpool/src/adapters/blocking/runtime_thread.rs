//! The thread that drives the pool of a program without a runtime.

use std::fmt;
use std::io;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::runtime;

use crate::error::BuildError;
use crate::pool::process_pool::ProcessPool;

/// What the thread is called, in debuggers and in `top -H`.
const NAME: &str = "procpool";

/// A thread with a runtime for one pool. It ends by itself when the last worker is gone.
#[derive(Default)]
pub(super) struct RuntimeThread {
    /// `None` once it is joined.
    handle: Mutex<Option<JoinHandle<()>>>,
    end: Arc<End>,
}

/// Tells when the thread is through.
#[derive(Debug, Default)]
struct End {
    is_there: Mutex<bool>,
    came: Condvar,
}

/// Has the end come, however the thread ends.
struct Ends(Arc<End>);

impl Drop for Ends {
    fn drop(&mut self) {
        *self.0.is_there.lock() = true;
        self.0.came.notify_all();
    }
}

impl RuntimeThread {
    /// Starts the thread, and builds the pool in it. So a runtime that is of no use after all is also
    /// dropped there, which tokio does not allow inside of another one.
    pub(super) fn start<S: 'static>(
        build: impl FnOnce() -> Result<ProcessPool<S>, BuildError> + Send + 'static,
    ) -> Result<(ProcessPool<S>, Self), BuildError> {
        let end = Arc::default();
        let ends = Ends(Arc::clone(&end));
        let (sender, built) = mpsc::sync_channel(1);
        let handle = thread::Builder::new()
            .name(NAME.to_owned())
            .spawn(move || {
                let _ends = ends;
                drive(build, sender);
            })
            .map_err(BuildError::System)?;
        let answer = built.recv().unwrap_or_else(|_| {
            let error = io::Error::other("the thread of the pool ended at its start");
            Err(BuildError::System(error))
        });
        let thread = RuntimeThread {
            handle: Mutex::new(Some(handle)),
            end,
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
        // Whoever comes second waits here for who is first.
        let mut handle = self.handle.lock();
        if let Some(handle) = handle.take() {
            // A panic has been printed there, and the pool has been terminated by it.
            let _ = handle.join();
        }
    }

    /// Waits until the thread is through, but for `limit` at most.
    pub(super) fn wait_timeout(&self, limit: Duration) {
        let deadline = Instant::now().checked_add(limit);
        let mut is_there = self.end.is_there.lock();
        while !*is_there {
            match deadline {
                None => self.end.came.wait(&mut is_there),
                Some(deadline) => {
                    if self
                        .end
                        .came
                        .wait_until(&mut is_there, deadline)
                        .timed_out()
                    {
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
        // The core alone keeps nothing open.
        let core = Arc::clone(pool.open().core());
        // If nobody is there to take it, the pool is closed by that.
        let _ = built.send(Ok(pool));
        core.stopped().await;
    });
}
