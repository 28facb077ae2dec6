//! All state of a pool, and what the scheduler's actions do to it.

pub(crate) mod broadcasts;
mod chunks;
mod dispatch;
mod ends;
mod queued_events;
#[cfg(test)]
mod tests;
mod waiters;
pub(crate) mod worker_entry;

use std::ops::Sub;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use procpool_scheduler::{
    Action, Finished as Feedback, Outcome as Verdict, RefusedReason, ReservationId, Scheduler,
    TaskId, TaskSpec, WarmUpId, WorkerId,
};
use procpool_wire::{Event, Finished, Outcome, Refusal, Returned, Ticket};
use rustc_hash::FxHashMap;

use crate::driver::pool::effects::{Effects, Told};
use crate::driver::pool::event_queue::Message;
use crate::driver::pool::job::Job;
use crate::driver::pool::state::broadcasts::Broadcasts;
use crate::driver::pool::state::worker_entry::WorkerEntry;
use crate::driver::process::worker_limits::WorkerLimits;
use crate::driver::submit::fresh_call::FreshCall;
use crate::driver::transport::incoming::Said;
use crate::driver::transport::link::Link;
use crate::error::ExitCause;
use crate::options::processors::processors;
use crate::soon::Speaker;

pub(crate) use ends::Ending;

/// What the pool's lock guards.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) scheduler: Scheduler<Job>,
    pub(crate) effects: Effects,
    /// When it was given its last input.
    pub(crate) now: Instant,
    /// For when the timer is set; `None` if it is not.
    pub(crate) alarm: Option<Instant>,
    pub(crate) tally: Tally,
    /// Those who wait for room in the queue.
    pub(crate) waiters: FxHashMap<ReservationId, oneshot::Sender<()>>,
    /// Those who wait until all workers are ready.
    pub(crate) warm_ups: FxHashMap<WarmUpId, oneshot::Sender<Told>>,
    pub(crate) broadcasts: Broadcasts,
    workers: FxHashMap<WorkerId, WorkerEntry>,
    startup_timeout: Duration,
    limits: WorkerLimits,
    /// How many processors the pool's program may use.
    processors: usize,
    /// How long a worker may look for work before it sleeps, while a processor is to spare.
    spin: Duration,
    /// What was left at the lock.
    pub(crate) left: Vec<Message>,
    /// Memory for what a worker has said there.
    said: Vec<Said>,
    /// How the worker whose end is being handled came to it.
    ending: Option<Ending>,
    /// Why the broadcast failed whose end is being handled.
    refusal: Option<Refusal>,
}

/// What was broken off, since the pool was built.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    /// Tasks that got an error because the pool ended.
    pub(crate) abandoned: usize,
    /// Workers that were killed, for whatever reason.
    pub(crate) killed: usize,
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Tally {
            abandoned: self.abandoned - before.abandoned,
            killed: self.killed - before.killed,
        }
    }
}

impl State {
    pub(crate) fn new(
        scheduler: Scheduler<Job>,
        startup_timeout: Duration,
        limits: WorkerLimits,
        spin: Duration,
        broadcasts: Broadcasts,
    ) -> Self {
        State {
            scheduler,
            effects: Effects::default(),
            now: Instant::now(),
            alarm: None,
            tally: Tally::default(),
            waiters: FxHashMap::default(),
            warm_ups: FxHashMap::default(),
            broadcasts,
            workers: FxHashMap::default(),
            startup_timeout,
            limits,
            processors: processors(),
            spin,
            left: Vec::new(),
            said: Vec::new(),
            ending: None,
            refusal: None,
        }
    }

    /// A worker that is starting can be sent what it is to do first.
    pub(crate) fn handle_reachable(&mut self, now: Instant, worker: WorkerId, link: Arc<Link>) {
        if let Some(entry) = self.workers.get_mut(&worker) {
            entry.link = Some(link);
        }
        self.scheduler.handle_reachable(now, worker);
    }

    /// A worker has completed the handshake.
    pub(crate) fn handle_ready(
        &mut self,
        now: Instant,
        worker: WorkerId,
        speaker: Arc<dyn Speaker>,
    ) {
        if let Some(entry) = self.workers.get_mut(&worker) {
            entry.speaker = Some(speaker);
        }
        self.scheduler.handle_ready(now, worker);
    }

    /// The alarm has rung.
    pub(crate) fn handle_alarm(&mut self, now: Instant) {
        self.alarm = None;
        self.scheduler.handle_tick(now);
    }

    /// A worker that is ready says something.
    pub(crate) fn handle_said(&mut self, now: Instant, worker: WorkerId, said: Said) {
        let event = match said {
            Said::Event(event) => event,
            Said::Nonsense(what) => return self.handle_faulty(now, worker, &what),
        };
        match event {
            Event::Finished(finished) => self.handle_finished(now, worker, finished),
            Event::ItemsBegan(ticket) => self.handle_items_began(now, worker, ticket),
            Event::Items(frames) => self.handle_items(now, worker, frames),
            Event::ItemFailed(why) => self.handle_item_failed(now, worker, why),
            Event::BroadcastEnded(refusal) => self.handle_briefed(now, worker, refusal),
            Event::Ready | Event::Refused(_) | Event::Segments(_) => {
                self.handle_faulty(now, worker, "it started twice");
            }
        }
    }

    /// A task is submitted; if it is refused, why.
    #[inline]
    pub(crate) fn submit(
        &mut self,
        now: Instant,
        spec: TaskSpec,
        call: &mut FreshCall<'_>,
    ) -> Result<TaskId, RefusedReason> {
        // What is refused has nothing of the user's in it yet, and may be dropped here.
        let submitted = self.scheduler.handle_submit(now, spec, call.job());
        let task = submitted.map_err(|refused| refused.reason)?;
        // It is not sent before the scheduler's actions are performed.
        if let Some(job) = self.scheduler.payload_mut(task) {
            call.fill(job);
        }
        Ok(task)
    }

    /// A worker says that a task has ended.
    pub(crate) fn handle_finished(&mut self, now: Instant, worker: WorkerId, finished: Finished) {
        let Finished {
            ticket,
            ran,
            worn,
            outcome,
        } = finished;
        let has_returned = matches!(outcome, Outcome::Returned(_));
        if worn {
            self.scheduler.handle_worn(now, worker);
        }
        match self.redeem(now, worker, ticket, ran, has_returned) {
            Some(Some(job)) => self.settle_job(job, ran, outcome),
            // It is late.
            Some(None) => {
                if let Outcome::Returned(result) = outcome {
                    self.effects.release(result);
                }
            }
            None => {}
        }
    }

    /// A worker says that a task has returned, and what: the same of little.
    pub(crate) fn handle_returned(
        &mut self,
        now: Instant,
        worker: WorkerId,
        returned: Returned<'_>,
    ) {
        if returned.worn {
            self.scheduler.handle_worn(now, worker);
        }
        let redeemed = self.redeem(now, worker, returned.ticket, returned.ran, true);
        if let Some(Some(job)) = redeemed {
            self.settle_returned(job, returned);
        }
    }

    /// A dispatch has ended. Gives the job, unless it has got its end before. `None`: that can't be, and the worker is
    /// given up.
    #[inline]
    fn redeem(
        &mut self,
        now: Instant,
        worker: WorkerId,
        ticket: Ticket,
        ran: Duration,
        has_returned: bool,
    ) -> Option<Option<Job>> {
        let entry = self.workers.get_mut(&worker);
        if has_returned && entry.as_ref().is_some_and(|entry| entry.breaks_off(ticket)) {
            self.handle_faulty(now, worker, "it ended a chunk before its items");
            return None;
        }
        let feedback = match entry.and_then(|entry| entry.redeem(ticket)) {
            Some(task) => self.scheduler.handle_finished(now, worker, task, ran),
            None => Feedback::Unknown,
        };
        match feedback {
            Feedback::Resolved(job) => Some(Some(job)),
            Feedback::Late => Some(None),
            Feedback::Unknown => {
                self.handle_faulty(now, worker, "it answered a task that it was not given");
                None
            }
        }
    }

    /// A worker has broken the protocol; it is killed, and its exit will say why.
    pub(crate) fn handle_faulty(&mut self, now: Instant, worker: WorkerId, what: &str) {
        if let Some(entry) = self.workers.get_mut(&worker) {
            entry
                .fault
                .get_or_insert_with(|| ExitCause::Protocol(what.to_owned()));
        }
        self.scheduler.handle_faulty(now, worker);
    }

    /// A worker has more memory than it may; it is killed.
    pub(crate) fn handle_overgrown(&mut self, now: Instant, worker: WorkerId, limit: u64) {
        if let Some(entry) = self.workers.get_mut(&worker) {
            entry.fault.get_or_insert(ExitCause::Memory(limit));
        }
        self.scheduler.handle_faulty(now, worker);
    }

    /// A worker has closed its socket. If it is not about to exit, it is killed.
    pub(crate) fn handle_hangup(&mut self, now: Instant, worker: WorkerId) {
        if let Some(entry) = self.workers.get_mut(&worker) {
            entry.fault.get_or_insert(ExitCause::Hangup);
        }
        self.scheduler.handle_faulty(now, worker);
    }

    /// Nothing is left of a worker whose end was handled. Gives what was known of it, to be dropped where nothing is
    /// locked.
    pub(crate) fn forget(&mut self, worker: WorkerId) -> Option<WorkerEntry> {
        self.workers.remove(&worker)
    }

    /// Whether the pool is closed and nothing is left of it.
    pub(crate) fn is_stopped(&self) -> bool {
        self.scheduler.is_stopped() && self.workers.is_empty()
    }

    /// Why the pool itself ended this worker, if it did for a fault.
    pub(crate) fn fault(&self, worker: WorkerId) -> Option<ExitCause> {
        self.workers
            .get(&worker)
            .and_then(|entry| entry.fault.clone())
    }

    /// Performs all that the scheduler has decided.
    pub(crate) fn perform(&mut self, now: Instant) {
        while let Some(action) = self.scheduler.poll_action() {
            match action {
                Action::Spawn(worker) => self.spawn(worker),
                Action::Dispatch {
                    worker,
                    task,
                    slot,
                    ticket,
                    flush,
                } => {
                    if flush && let Some(link) = self.link(worker) {
                        link.push_flush();
                    }
                    self.dispatch(
                        worker,
                        task,
                        Ticket {
                            slot,
                            number: ticket,
                        },
                    );
                }
                Action::Revoke {
                    worker,
                    task,
                    slot,
                    ticket,
                } => {
                    let revoked = self.revoke(
                        worker,
                        Ticket {
                            slot,
                            number: ticket,
                        },
                    );
                    self.scheduler.handle_revoked(now, task, revoked);
                }
                Action::Inspect {
                    worker,
                    task,
                    slot,
                    ticket,
                } => {
                    let standing = self.standing(
                        worker,
                        Ticket {
                            slot,
                            number: ticket,
                        },
                    );
                    self.scheduler.handle_inspected(now, task, standing);
                }
                Action::Collect(worker) => {
                    if let Some(link) = self.link(worker).filter(|link| link.holds_back()) {
                        self.effects.collect.push(Arc::clone(link));
                    }
                }
                Action::Shorten {
                    worker,
                    task,
                    slot,
                    ticket: number,
                    all,
                } => self.shorten(now, worker, task, Ticket { slot, number }, all),
                Action::RequestCancel { worker, ticket, .. } => {
                    self.save_items(now, worker);
                    if let Some(link) = self.link(worker) {
                        link.page().request_cancel(ticket);
                    }
                }
                Action::Stop(worker) => self.stop(worker),
                Action::Kill(worker) => {
                    self.tally.killed += 1;
                    self.save_items(now, worker);
                    self.kill(worker);
                }
                Action::Grant(reservation) => {
                    self.effects.grant.extend(self.waiters.remove(&reservation));
                }
                Action::Deny(reservation) => {
                    self.effects.deny.extend(self.waiters.remove(&reservation));
                }
                Action::Warm(warm_up) => self.warmed(warm_up, None),
                Action::NotWarm { warm_up, why } => self.warmed(warm_up, Some(why)),
                Action::Brief { worker, broadcast } => self.brief(worker, broadcast),
                Action::Spread(broadcast) => self.spread(broadcast, None),
                Action::NotSpread { broadcast, why } => self.spread(broadcast, Some(why)),
                Action::Resolve {
                    payload: job,
                    outcome,
                    ..
                } => {
                    let error = self.error(outcome, &job);
                    let timed_out = matches!(outcome, Verdict::TimedOut { .. });
                    self.fail_job(*job, error, timed_out);
                }
            }
        }
    }

    /// As for every task while a processor is to spare. The first one is on its way when this process has
    /// heard that the worker is ready, and that takes a wake-up more.
    pub(crate) fn first_spin(&self) -> Duration {
        let counts = self.scheduler.counts();
        match counts.starting + counts.busy < self.processors {
            true => self.spin.saturating_mul(2),
            false => Duration::ZERO,
        }
    }

    fn spawn(&mut self, worker: WorkerId) {
        let entry = WorkerEntry::starting(self.broadcasts.all());
        self.effects.spawn.push((worker, Arc::clone(&entry.switch)));
        self.workers.insert(worker, entry);
    }

    fn stop(&mut self, worker: WorkerId) {
        let entry = self.workers.get(&worker);
        match entry.and_then(|entry| entry.link.as_ref().filter(|_| entry.is_ready())) {
            Some(link) => {
                link.push_stop();
                self.effects.flush(link);
            }
            // It has not begun anything that it could bring to an end.
            None => self.kill(worker),
        }
    }

    fn kill(&mut self, worker: WorkerId) {
        if let Some(entry) = self.workers.get(&worker) {
            self.effects.kill.push(Arc::clone(&entry.switch));
        }
    }

    fn link(&self, worker: WorkerId) -> Option<&Arc<Link>> {
        self.workers.get(&worker)?.link.as_ref()
    }
}
