//! What every worker runs once, and who has yet to run it.

use std::time::Instant;

use crate::action::{Action, Unspread};
use crate::id::{BroadcastId, WorkerId};
use crate::state::deadlines::Due;
use crate::state::scheduler::{Phase, Scheduler};
use crate::state::worker::Stage;

impl<P> Scheduler<P> {
    /// Every worker is to run something once: those that are ready, after what they were sent; those that are
    /// starting, before their first task. They take no other task until they have, within the time that a
    /// start may take. Those that are spawned from now on run it before they are ready, which is the driver's
    /// affair.
    ///
    /// [`Action::Spread`] follows, or [`Action::NotSpread`]; either may be now.
    pub fn handle_broadcast(&mut self, now: Instant) -> BroadcastId {
        self.last_broadcast += 1;
        let id = BroadcastId::from_u64(self.last_broadcast);
        let mut owed = 0;
        for place in self.fleet.places() {
            let worker = &mut self.fleet[place];
            match worker.stage {
                _ if self.phase != Phase::Open => break,
                Stage::Starting => {
                    worker.briefings.push_back(id);
                }
                Stage::Ready => {
                    worker.briefings.push_back(id);
                    self.actions.push_back(Action::Brief {
                        worker: worker.id,
                        broadcast: id,
                    });
                    self.briefing_begins(now, place);
                    self.fleet.refresh(place);
                }
                Stage::Stopping | Stage::Dying | Stage::Exited => continue,
            }
            owed += 1;
        }
        self.broadcasts.insert(id, owed);
        if self.phase != Phase::Open {
            self.fail_broadcast(id, Unspread::Closed);
        } else if owed == 0 {
            self.spread(id);
        }
        self.settle(now);
        id
    }

    /// The worker has run the broadcast that it was given first of those that it has not answered, or says
    /// that it failed.
    ///
    /// False if it was given none: it broke the protocol. Call `handle_faulty`.
    pub fn handle_briefed(&mut self, now: Instant, worker: WorkerId, ran: bool) -> bool {
        let Some(place) = self.fleet.find(worker) else {
            return false;
        };
        match self.fleet[place].stage {
            Stage::Ready => {}
            // Nobody waits for it any more.
            Stage::Stopping | Stage::Dying => return true,
            Stage::Starting | Stage::Exited => return false,
        }
        let Some(id) = self.fleet[place].briefings.pop_front() else {
            return false;
        };
        match ran {
            true => self.heard(id),
            false => self.fail_broadcast(id, Unspread::Refused { worker }),
        }
        let worker = &mut self.fleet[place];
        self.deadlines.disarm(&mut worker.timer);
        worker.idle_since = now;
        self.briefing_begins(now, place);
        self.fleet.refresh(place);
        self.settle(now);
        true
    }

    /// The worker is ready: what it has missed while it was starting comes first.
    pub(crate) fn brief(&mut self, now: Instant, place: usize) {
        let worker = &self.fleet[place];
        for &broadcast in &worker.briefings {
            let worker = worker.id;
            self.actions.push_back(Action::Brief { worker, broadcast });
        }
        self.briefing_begins(now, place);
    }

    /// If nothing else is left that the worker is to do before, its time for the next broadcast runs from now.
    pub(crate) fn briefing_begins(&mut self, now: Instant, place: usize) {
        let worker = &mut self.fleet[place];
        let is_next = worker.in_flight.is_empty() && !worker.briefings.is_empty();
        if worker.stage == Stage::Ready && is_next && worker.timer.is_none() {
            let patience = self.config.startup_timeout;
            worker.timer = self.deadlines.arm(now, patience, Due::Worker(place));
        }
    }

    /// The worker is gone. If it had nothing else to do, it died of the broadcast.
    pub(crate) fn unbriefed(&mut self, place: usize, stage: Stage) {
        let gone = &self.fleet[place];
        if stage != Stage::Starting
            && gone.in_flight.is_empty()
            && let Some(&broadcast) = gone.briefings.front()
        {
            let worker = gone.id;
            self.fail_broadcast(broadcast, Unspread::Died { worker });
        }
        self.excuse(place);
    }

    /// The worker is none of those any more that are to run anything.
    pub(crate) fn excuse(&mut self, place: usize) {
        for id in std::mem::take(&mut self.fleet[place].briefings) {
            self.heard(id);
        }
    }

    pub(crate) fn fail_broadcasts(&mut self, why: Unspread) {
        while let Some((&id, _)) = self.broadcasts.first_key_value() {
            self.fail_broadcast(id, why);
        }
    }

    /// One worker less has yet to run it.
    fn heard(&mut self, id: BroadcastId) {
        if let Some(owed) = self.broadcasts.get_mut(&id) {
            *owed -= 1;
            if *owed == 0 {
                self.spread(id);
            }
        }
    }

    fn spread(&mut self, id: BroadcastId) {
        self.broadcasts.remove(&id);
        self.actions.push_back(Action::Spread(id));
    }

    /// Those that were told to run it do; those that were not yet told never are.
    pub(crate) fn fail_broadcast(&mut self, id: BroadcastId, why: Unspread) {
        if self.broadcasts.remove(&id).is_none() {
            return;
        }
        self.actions
            .push_back(Action::NotSpread { broadcast: id, why });
        for place in self.fleet.places() {
            let worker = &mut self.fleet[place];
            if worker.stage == Stage::Starting {
                worker.briefings.retain(|&other| other != id);
            }
        }
    }
}
