//! Spawning without holding up the runtime.

use std::io;
use std::thread;

use procpool_os::{SpawnSpec, WorkerProcess};
use tokio::sync::oneshot;

/// Spawns a worker in a thread of its own, since the kernel makes the spawning thread wait until
/// the new program is loaded, about a millisecond.
///
/// Not in the runtime's blocking pool: a program may have filled that with work that waits for the
/// very task which needs this worker.
///
/// # Cancel safety
/// If it is dropped, the process is killed and reaped as soon as it is there.
pub(crate) async fn spawn(spec: SpawnSpec) -> io::Result<WorkerProcess> {
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new()
        .name("procpool-spawn".to_owned())
        .spawn(move || {
            // A process that nobody takes is killed and reaped by its own drop.
            let _ = sender.send(spec.spawn());
        })?;
    match receiver.await {
        Ok(spawned) => spawned,
        Err(_) => Err(io::Error::other("the spawning thread died")),
    }
}
