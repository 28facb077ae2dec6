//! All state of a pool.

use std::ops::Sub;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use procpool_scheduler::{ReservationId, Scheduler, WarmUpId, WorkerId};
use procpool_wire::{Event, Refusal};
use rustc_hash::FxHashMap;

use crate::driver::pool::broadcasts::Broadcasts;
use crate::driver::pool::effects::{Effects, WaiterReply};
use crate::driver::pool::ending::Ending;
use crate::driver::pool::job::Job;
use crate::driver::pool::queued_input::QueuedInput;
use crate::driver::pool::worker_entry::WorkerEntry;
use crate::driver::process::worker_limits::WorkerLimits;
use crate::driver::transport::incoming::WorkerMessage;
use crate::driver::transport::link::Link;
use crate::error::ExitCause;
use crate::options::processors::processors;
use crate::spin_wait::{ResultSource, SpinPolicy};

/// The state that the pool's lock guards.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) scheduler: Scheduler<Job>,
    pub(crate) effects: Effects,
    /// The time of its last input.
    pub(crate) now: Instant,
    /// The time that the timer is set for; `None` if it is not set.
    pub(crate) alarm: Option<Instant>,
    pub(crate) tally: Tally,
    /// Callers that wait for room in the queue.
    pub(crate) waiters: FxHashMap<ReservationId, oneshot::Sender<()>>,
    /// Callers that wait until all workers are ready.
    pub(crate) warm_ups: FxHashMap<WarmUpId, oneshot::Sender<WaiterReply>>,
    pub(crate) broadcasts: Broadcasts,
    pub(super) workers: FxHashMap<WorkerId, WorkerEntry>,
    pub(super) startup_timeout: Duration,
    pub(super) limits: WorkerLimits,
    pub(super) spin: SpinPolicy,
    /// Inputs that were enqueued while another thread had the lock. Empty between two uses of the lock.
    pub(crate) pending: Vec<QueuedInput>,
    /// The ending that is being handled.
    pub(super) ending: Option<Ending>,
    /// The error of the failed broadcast that is being handled.
    pub(super) refusal: Option<Refusal>,
}

/// Counts of the tasks and workers that the pool has ended before they finished.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    /// Tasks that got an error because the pool ended.
    pub(crate) abandoned: usize,
    /// Workers that the pool has killed for any reason.
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
            spin: SpinPolicy::new(spin, processors()),
            pending: Vec::new(),
            ending: None,
            refusal: None,
        }
    }

    /// Handles that a worker has completed the handshake.
    pub(crate) fn handle_ready(
        &mut self,
        now: Instant,
        worker: WorkerId,
        link: Arc<Link>,
        source: Arc<dyn ResultSource>,
    ) {
        if let Some(entry) = self.workers.get_mut(&worker) {
            entry.link = Some(link);
            entry.source = Some(source);
        }
        self.scheduler.handle_ready(now, worker);
    }

    /// Handles that the alarm's time has come.
    pub(crate) fn handle_alarm(&mut self, now: Instant) {
        self.alarm = None;
        self.scheduler.handle_tick(now);
    }

    /// Handles a message from a worker that is ready.
    pub(crate) fn handle_message(
        &mut self,
        now: Instant,
        worker: WorkerId,
        message: WorkerMessage,
    ) {
        let event = match message {
            WorkerMessage::Event(event) => event,
            WorkerMessage::ProtocolViolation(what) => {
                return self.handle_faulty(now, worker, &what);
            }
        };
        match event {
            Event::Finished(finished) => self.handle_finished(now, worker, finished),
            Event::ItemsBegan(dispatch_id) => self.handle_items_began(now, worker, dispatch_id),
            Event::Items(frames) => self.handle_items(now, worker, frames),
            Event::ItemFailed(why) => self.handle_item_failed(now, worker, why),
            Event::BroadcastEnded(refusal) => self.handle_broadcast_ended(now, worker, refusal),
            Event::Ready | Event::Refused(_) | Event::Segments(_) => {
                self.handle_faulty(now, worker, "it started twice");
            }
        }
    }

    /// Kills a worker that has broken the protocol. `what` becomes the cause of its exit.
    pub(crate) fn handle_faulty(&mut self, now: Instant, worker: WorkerId, what: &str) {
        if let Some(entry) = self.workers.get_mut(&worker) {
            entry
                .fault
                .get_or_insert_with(|| ExitCause::Protocol(what.to_owned()));
        }
        self.scheduler.handle_faulty(now, worker);
    }

    /// Kills a worker that uses more memory than `limit`.
    pub(crate) fn handle_overgrown(&mut self, now: Instant, worker: WorkerId, limit: u64) {
        if let Some(entry) = self.workers.get_mut(&worker) {
            entry.fault.get_or_insert(ExitCause::Memory(limit));
        }
        self.scheduler.handle_faulty(now, worker);
    }

    /// Kills a worker that has closed its socket without exiting.
    pub(crate) fn handle_hangup(&mut self, now: Instant, worker: WorkerId) {
        if let Some(entry) = self.workers.get_mut(&worker) {
            entry.fault.get_or_insert(ExitCause::Hangup);
        }
        self.scheduler.handle_faulty(now, worker);
    }

    /// Removes a worker whose end was handled. Returns its entry, which the caller drops after it has released the lock.
    pub(crate) fn forget(&mut self, worker: WorkerId) -> Option<WorkerEntry> {
        self.workers.remove(&worker)
    }

    /// Returns whether the pool is closed and has no task and no worker left.
    pub(crate) fn is_stopped(&self) -> bool {
        self.scheduler.is_stopped() && self.workers.is_empty()
    }

    /// Returns the fault for which the pool has killed this worker, if any.
    pub(crate) fn fault(&self, worker: WorkerId) -> Option<ExitCause> {
        self.workers
            .get(&worker)
            .and_then(|entry| entry.fault.clone())
    }
}
