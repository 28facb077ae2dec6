//! The runtime task that tells a pool when a deadline has passed.

use std::pin::pin;
use std::sync::Arc;

use crate::driver::pool::core::Core;
use crate::driver::pool::event_queue::Message;
use crate::driver::pool::state::State;

/// Waits for the pool's alarm.
pub(crate) struct Timekeeper {
    core: Arc<Core>,
}

impl Timekeeper {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Timekeeper { core }
    }

    /// Runs until the pool has stopped.
    pub(crate) async fn run(self) {
        let core = &self.core;
        let mut stopped = pin!(core.stopped());
        loop {
            tokio::select! {
                () = &mut stopped => return,
                () = core.alarm().rang() => {}
            }
            if core.try_with(State::handle_alarm).is_none() {
                core.leave(Message::Rang);
            }
        }
    }
}

impl Drop for Timekeeper {
    fn drop(&mut self) {
        if !self.core.is_stopped() {
            // The runtime is stopping, and takes the pool with it.
            self.core.terminate();
        }
    }
}
