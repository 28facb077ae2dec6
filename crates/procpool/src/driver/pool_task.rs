//! The runtime task of a pool: it handles the pool's deadlines and starts workers.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::driver::pool::core::Core;
use crate::driver::pool::effects::SpawnRequest;
use crate::driver::worker::supervisor::start_workers;

/// Waits for the pool's alarm, and for workers that are to be started.
pub(crate) struct PoolTask {
    core: Arc<Core>,
    spawns: UnboundedReceiver<SpawnRequest>,
}

impl PoolTask {
    pub(crate) fn new(core: Arc<Core>, spawns: UnboundedReceiver<SpawnRequest>) -> Self {
        PoolTask { core, spawns }
    }

    /// Runs until the pool has stopped.
    pub(crate) async fn run(mut self) {
        let core = Arc::clone(&self.core);
        let mut stopped = pin!(core.stopped());
        loop {
            tokio::select! {
                () = &mut stopped => return,
                () = core.alarm().rang() => core.handle_alarm(),
                // `core` has a sender, so the channel is never closed.
                Some(first) = self.spawns.recv() => {
                    let mut requests = vec![first];
                    while let Ok(request) = self.spawns.try_recv() {
                        requests.push(request);
                    }
                    start_workers(&core, requests, true);
                }
            }
        }
    }
}

impl Drop for PoolTask {
    fn drop(&mut self) {
        if self.core.is_stopped() {
            return;
        }
        // The runtime is stopping, so the pool must end.
        self.core.terminate();
        self.spawns.close();
        while let Ok((worker, _)) = self.spawns.try_recv() {
            self.core.forget_unstarted(worker);
        }
    }
}
