//! Broadcasts: what every worker runs once, and which workers have yet to run it.

use std::time::Instant;

use crate::action::{Action, BroadcastError};
use crate::id::{BroadcastId, WorkerId};
use crate::state::deadlines::Due;
use crate::state::life::Life;
use crate::state::scheduler::{Phase, Scheduler};

impl<P> Scheduler<P> {
    /// Every worker is to run a broadcast once: a ready worker after the tasks that it was sent, a starting one before its
    /// first task. Until then it takes no other task. It has as long as a worker has to start. Workers that are
    /// spawned from now on run it before they are ready; the driver sees to that.
    ///
    /// [`Action::BroadcastDone`] or [`Action::BroadcastFailed`] follows, perhaps at once.
    pub fn handle_broadcast(&mut self, now: Instant) -> BroadcastId {
        self.last_broadcast += 1;
        let id = BroadcastId::from_u64(self.last_broadcast);
        if self.phase == Phase::Open {
            self.begin_broadcast(now, id);
        } else {
            self.broadcasts.insert(id, 0);
            self.fail_broadcast(id, BroadcastError::Closed);
        }
        self.settle(now);
        id
    }

    fn begin_broadcast(&mut self, now: Instant, id: BroadcastId) {
        let mut owing = 0;
        for place in self.fleet.places() {
            let worker = &mut self.fleet[place];
            match worker.life {
                Life::Starting { .. } => worker.broadcasts.push_back(id),
                Life::Ready(_) => {
                    worker.broadcasts.push_back(id);
                    self.actions.push_back(Action::RunBroadcast {
                        worker: worker.id,
                        broadcast: id,
                    });
                    self.broadcast_begins(now, place);
                    self.fleet.refresh(place);
                }
                Life::Stopping { .. } | Life::Dying { .. } | Life::Exited { .. } => continue,
            }
            owing += 1;
        }
        self.broadcasts.insert(id, owing);
        if owing == 0 {
            self.broadcast_done(id);
        }
    }

    /// The worker has run the first broadcast of those that it was sent and has not answered; or `ran` is false, and it
    /// says that it failed.
    ///
    /// False if it was sent none: it broke the protocol. Call `handle_faulty`.
    pub fn handle_broadcast_ended(&mut self, now: Instant, worker: WorkerId, ran: bool) -> bool {
        let Some(place) = self.fleet.find(worker) else {
            return false;
        };
        match self.fleet[place].life {
            Life::Ready(_) => {}
            // Its answer is not waited for any more.
            Life::Stopping { .. } | Life::Dying { .. } => return true,
            Life::Starting { .. } | Life::Exited { .. } => return false,
        }
        let Some(id) = self.fleet[place].broadcasts.pop_front() else {
            return false;
        };
        match ran {
            true => self.one_worker_less(id),
            false => self.fail_broadcast(id, BroadcastError::Refused { worker }),
        }
        if let Some(ready) = self.fleet[place].ready_mut() {
            self.deadlines.disarm(&mut ready.broadcast_timer);
            ready.idle_since = now;
        }
        self.broadcast_begins(now, place);
        self.fleet.refresh(place);
        self.settle(now);
        true
    }

    /// The worker is ready, and is sent the broadcasts that were begun while it was starting.
    pub(crate) fn send_broadcasts(&mut self, now: Instant, place: usize) {
        let worker = &self.fleet[place];
        for &broadcast in &worker.broadcasts {
            let worker = worker.id;
            self.actions
                .push_back(Action::RunBroadcast { worker, broadcast });
        }
        self.broadcast_begins(now, place);
    }

    /// If the worker has nothing to do before its next broadcast, its time for that runs from now.
    pub(crate) fn broadcast_begins(&mut self, now: Instant, place: usize) {
        let worker = &mut self.fleet[place];
        let is_next = worker.flight.tasks.is_empty() && !worker.broadcasts.is_empty();
        if let Some(ready) = worker.ready_mut()
            && is_next
            && ready.broadcast_timer.is_none()
        {
            let due = Due::TooSlow(place);
            ready.broadcast_timer = self.deadlines.arm(now, self.config.startup_timeout, due);
        }
    }

    /// The worker has exited after it was ready. If it had nothing else to do, it died of the broadcast.
    pub(crate) fn exited_in_broadcast(&mut self, place: usize) {
        let worker = &self.fleet[place];
        if worker.flight.tasks.is_empty()
            && let Some(&broadcast) = worker.broadcasts.front()
        {
            let worker = worker.id;
            self.fail_broadcast(broadcast, BroadcastError::Died { worker });
        }
        self.drop_broadcasts(place);
    }

    /// The worker need not run any broadcast any more.
    pub(crate) fn drop_broadcasts(&mut self, place: usize) {
        for id in std::mem::take(&mut self.fleet[place].broadcasts) {
            self.one_worker_less(id);
        }
    }

    pub(crate) fn fail_broadcasts(&mut self, error: BroadcastError) {
        while let Some((&id, _)) = self.broadcasts.first_key_value() {
            self.fail_broadcast(id, error);
        }
    }

    /// One worker less has yet to run the broadcast.
    fn one_worker_less(&mut self, id: BroadcastId) {
        if let Some(owing) = self.broadcasts.get_mut(&id) {
            *owing -= 1;
            if *owing == 0 {
                self.broadcast_done(id);
            }
        }
    }

    fn broadcast_done(&mut self, id: BroadcastId) {
        self.broadcasts.remove(&id);
        self.actions.push_back(Action::BroadcastDone(id));
    }

    /// Workers that were sent the broadcast still run it. Workers that were not sent it never do.
    pub(crate) fn fail_broadcast(&mut self, id: BroadcastId, error: BroadcastError) {
        if self.broadcasts.remove(&id).is_none() {
            return;
        }
        self.actions.push_back(Action::BroadcastFailed {
            broadcast: id,
            error,
        });
        for place in self.fleet.places() {
            let worker = &mut self.fleet[place];
            if worker.is_starting() {
                worker.broadcasts.retain(|&other| other != id);
            }
        }
    }
}
