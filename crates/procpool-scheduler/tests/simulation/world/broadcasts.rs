//! What every worker is to run once.

use procpool_scheduler::{BroadcastError, BroadcastId, WorkerId};

use super::{Event, World};
use crate::process::{Answer, Order, Told};

impl World {
    pub(super) fn broadcast(&mut self) {
        let broadcast = self.scheduler.handle_broadcast(self.now);
        // It is known before anyone is told, and before another worker is spawned.
        self.broadcasts.insert(broadcast);
        self.spreading.insert(broadcast);
        self.perform();
    }

    pub(super) fn brief(&mut self, worker: WorkerId, broadcast: BroadcastId) {
        let process = self.processes.get_mut(&worker).expect("a known worker");
        assert_eq!(process.told, Told::Nothing, "it was told to go");
        assert!(!process.is_starting(), "it is not ready");
        assert!(!process.heard.contains(&broadcast), "told twice");
        assert!(self.broadcasts.contains(&broadcast), "it went wrong");
        process.inbox.push_back(Order::Prepare(broadcast));
        self.wake(worker);
    }

    /// The worker's loop has come to a broadcast.
    pub(super) fn prepare(&mut self, worker: WorkerId, broadcast: BroadcastId) {
        let process = self.processes.get_mut(&worker).expect("a known worker");
        process.prepares = Some(broadcast);
        let after = self.rng.micros(0, 3_000);
        if self.rng.chance(self.chances.dies_in_task) {
            self.schedule(after, Event::Die(worker));
        } else if !self.rng.chance(self.chances.task_hangs) {
            self.schedule(after, Event::Prepared(worker, broadcast));
        }
    }

    pub(super) fn preparation_ends(&mut self, worker: WorkerId, broadcast: BroadcastId) {
        let ran = !self.rng.chance(self.chances.refuses);
        let Some(process) = self.processes.get_mut(&worker) else {
            return;
        };
        if process.prepares == Some(broadcast) {
            process.prepares = None;
            process.heard.insert(broadcast);
            process.unsent.push(Answer::Prepared { ran });
            self.flush(worker);
            self.step(worker);
        }
    }

    /// The driver has read that a broadcast has run, or failed.
    pub(super) fn prepared(&mut self, worker: WorkerId, ran: bool) {
        assert!(
            self.scheduler.handle_broadcast_ended(self.now, worker, ran),
            "it was told to"
        );
        self.perform();
    }

    pub(super) fn spread(&mut self, broadcast: BroadcastId) {
        assert!(self.spreading.remove(&broadcast), "told twice");
        assert!(!self.closed, "spread in a closed pool");
        for (worker, process) in &self.processes {
            let has_it = process.heard.contains(&broadcast);
            let is_gone = !process.is_live() || !process.is_alive();
            assert!(has_it || is_gone, "{worker} has not run it");
        }
        self.see("spread");
    }

    pub(super) fn not_spread(&mut self, broadcast: BroadcastId, why: BroadcastError) {
        assert!(self.spreading.remove(&broadcast), "told twice");
        match why {
            BroadcastError::Refused { worker } => {
                assert!(self.processes[&worker].heard.contains(&broadcast));
                self.see("broadcast refused");
            }
            BroadcastError::Died { worker } => {
                assert!(!self.processes[&worker].is_alive(), "{worker} lives");
                self.see("died of a broadcast");
            }
            BroadcastError::TooSlow { worker } => {
                let process = &self.processes[&worker];
                assert!(!process.heard.contains(&broadcast) || !process.outbox.is_empty());
                self.see("broadcast too slow");
            }
            BroadcastError::Closed => assert!(self.closed, "it is open"),
        }
        self.broadcasts.remove(&broadcast);
    }
}
