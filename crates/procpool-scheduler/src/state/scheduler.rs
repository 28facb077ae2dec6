//! The state machine: its state and its inputs.
//!
//! An input records what happened and decides what follows for the tasks and workers that it names; then
//! [`settle`](Scheduler::settle) decides what follows for the pool.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use crate::action::{Action, Cold, Finished, Refused, Standing, Unspread};
use crate::config::Config;
use crate::id::{BroadcastId, TaskId, WarmUpId, WorkerId};
use crate::policy::affinities::Affinities;
use crate::policy::queue::Queue;
use crate::policy::run_time::History;
use crate::policy::start_gate::Gate;
use crate::spec::TaskSpec;
use crate::state::deadlines::{Deadlines, Due, Timer};
use crate::state::fleet::Fleet;
use crate::state::reservation_queue::Line;
use crate::state::table::Table;
use crate::state::task::{Task, TaskState};
use crate::state::worker::Stage;

/// The decisions of one pool. `P` is what the driver keeps with each task.
///
/// See the crate's documentation for how to drive it. No input panics, whatever id it is given.
pub struct Scheduler<P> {
    pub(crate) config: Config,
    pub(crate) phase: Phase,
    pub(crate) tasks: Table<Task<P>>,
    /// Tasks accepted and not resolved.
    pub(crate) open_tasks: usize,
    pub(crate) queue: Queue,
    pub(crate) line: Line,
    pub(crate) warm_ups: BTreeSet<WarmUpId>,
    pub(crate) last_warm_up: u64,
    /// How many workers have yet to run each.
    pub(crate) broadcasts: BTreeMap<BroadcastId, usize>,
    pub(crate) last_broadcast: u64,
    pub(crate) fleet: Fleet,
    pub(crate) history: History,
    pub(crate) affinities: Affinities,
    pub(crate) deadlines: Deadlines,
    pub(crate) gate: Gate,
    pub(crate) actions: VecDeque<Action<P>>,
    pub(crate) next_worker: WorkerId,
    pub(crate) last_dispatch_id: u64,
    /// Of the next look at who leaves tasks untouched; there is one only while tasks are in flight.
    pub(crate) look: Option<Timer>,
    /// Of the next look for results that are held back, if any worker may be holding some.
    pub(crate) collect_timer: Option<Timer>,
    /// How many such looks there were since a worker gave a result.
    pub(crate) quiet_collects: u32,
    /// Of the next look at who waits at a busy worker while another is idle.
    pub(crate) spread: Option<Timer>,
    /// Of the next look for tasks that take longer than expected while others wait behind them.
    pub(crate) late_look: Option<Timer>,
    /// Revocations that the driver has not answered. While there are any, nothing is dispatched: what comes
    /// back must first be in the queue, in order.
    pub(crate) revoking: usize,
    /// Tasks in flight that were sent with several items.
    pub(crate) several: usize,
    /// Tasks of which the driver was asked to take items back, and has not answered. The same goes for these.
    pub(crate) shortening: usize,
    /// Inputs are being gathered: what follows for the pool is decided after the last of them.
    pub(crate) in_batch: bool,
    /// Something may have been decided, or another deadline be the next, since anyone asked.
    pub(crate) has_decided: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    Open,
    Closed,
    Terminated,
}

impl<P> Scheduler<P> {
    /// A pool without workers; [`handle_start`](Self::handle_start) or the first task starts some.
    ///
    /// # Panics
    ///
    /// If `max_workers` is 0 or less than `min_workers`, or `window` is not 1 to
    /// [`Config::MAX_WINDOW`]: rather than run a pool that is not what was asked for.
    #[must_use]
    pub fn new(config: Config) -> Self {
        assert!(config.max_workers > 0, "a pool needs a worker");
        assert!(
            config.min_workers <= config.max_workers,
            "min_workers is more than max_workers"
        );
        assert!(
            (1..=Config::MAX_WINDOW).contains(&config.window),
            "window must be 1 to {}",
            Config::MAX_WINDOW
        );
        Self {
            gate: Gate::new(config.backoff),
            config,
            phase: Phase::Open,
            tasks: Table::new(),
            open_tasks: 0,
            queue: Queue::default(),
            line: Line::default(),
            warm_ups: BTreeSet::new(),
            last_warm_up: 0,
            broadcasts: BTreeMap::new(),
            last_broadcast: 0,
            fleet: Fleet::default(),
            history: History::default(),
            affinities: Affinities::default(),
            deadlines: Deadlines::default(),
            actions: VecDeque::new(),
            next_worker: WorkerId::FIRST,
            last_dispatch_id: 0,
            look: None,
            collect_timer: None,
            quiet_collects: 0,
            spread: None,
            late_look: None,
            revoking: 0,
            several: 0,
            shortening: 0,
            in_batch: false,
            has_decided: false,
        }
    }

    /// What is to be done next, if anything.
    pub fn poll_action(&mut self) -> Option<Action<P>> {
        self.actions.pop_front()
    }

    /// Several inputs follow that happened together. What they mean for the pool as a whole is decided once, by
    /// [`end_batch`](Self::end_batch), and not after each of them.
    pub fn begin_batch(&mut self) {
        self.in_batch = true;
    }

    /// Those were all.
    pub fn end_batch(&mut self, now: Instant) {
        self.in_batch = false;
        self.settle(now);
    }

    /// Whether there may be actions, or another [`next_deadline`](Self::next_deadline), since this was asked last. A
    /// task that only joins a long queue changes neither.
    pub fn take_decided(&mut self) -> bool {
        std::mem::take(&mut self.has_decided)
    }

    /// Starts `min_workers`, and those that stand by.
    pub fn handle_start(&mut self, now: Instant) {
        self.settle(now);
    }

    /// Whether a task like this would only join a long queue, behind others for whom there is no room: then the moment
    /// at which it is submitted makes no difference, and any that was told before will do.
    #[must_use]
    #[inline]
    pub fn only_joins(&self, spec: &TaskSpec) -> bool {
        // More wait than workers could be started for.
        self.queue.is_ordinary()
            && self.queue.len() > self.config.max_workers
            && spec.seat().is_ordinary()
            && spec.queue_timeout.is_none()
    }

    /// Accepts a task. From now on it will be resolved exactly once: by [`Finished::Resolved`] or by
    /// [`Action::Resolve`].
    ///
    /// # Errors
    ///
    /// Gives the payload back if the pool is closed, or if the task would have to wait and the queue is full.
    pub fn handle_submit(
        &mut self,
        now: Instant,
        spec: TaskSpec,
        payload: P,
    ) -> Result<TaskId, Refused<P>> {
        match self.refusal(now, spec.function) {
            Some(reason) => Err(Refused { reason, payload }),
            None => Ok(self.accept(now, spec, payload)),
        }
    }

    pub(crate) fn accept(&mut self, now: Instant, spec: TaskSpec, payload: P) -> TaskId {
        let function = self.history.index(spec.function);
        let id = self.tasks.insert(Task::new(spec, payload, function, now));
        self.open_tasks += 1;
        if let Some(limit) = spec.queue_timeout {
            let task = self.tasks.get_mut(id).expect("just inserted");
            task.extras_mut().timer = self.deadlines.arm(now, limit, Due::Task(id));
        }
        let only_joins = self.only_joins(&spec);
        self.queue.push_back(now, spec.seat(), id);
        if !only_joins {
            self.settle(now);
        }
        id
    }

    /// Nobody awaits the task any more.
    ///
    /// If it has not begun, it never will. If it runs, it is resolved now, and its worker is killed, or asked to
    /// give up if the task has a grace and killed at the end of it. Ignored if the task is resolved or unknown.
    pub fn handle_cancel(&mut self, now: Instant, task: TaskId) {
        self.cancel(now, task);
        self.settle(now);
    }

    /// Like [`handle_cancel`](Self::handle_cancel), but a task that has begun is left alone.
    ///
    /// Once the actions are performed, the task's state tells which it was.
    pub fn handle_cancel_if_queued(&mut self, now: Instant, task: TaskId) {
        self.cancel_if_queued(now, task);
        self.settle(now);
    }

    /// As [`handle_cancel_if_queued`](Self::handle_cancel_if_queued) of every task at once: none of them begins
    /// because another one was cancelled.
    pub fn handle_cancel_queued(&mut self, now: Instant) {
        self.cancel_queued(now);
        self.settle(now);
    }

    /// The task is to be cancelled at this moment if it is not resolved by then; `None` takes that back. Ignored
    /// if it is resolved or unknown.
    pub fn handle_cancel_at(&mut self, now: Instant, task: TaskId, at: Option<Instant>) {
        self.cancel_at(now, task, at);
        self.settle(now);
    }

    /// The worker completed its handshake and its initializer. Ignored unless it is starting: it may have been
    /// given up in the meantime.
    pub fn handle_ready(&mut self, now: Instant, worker: WorkerId) {
        if let Some(place) = self.fleet.find(worker) {
            self.ready(now, place);
        }
        self.settle(now);
    }

    /// The worker could not be spawned, or failed before it was ready, and its process is gone. The same input
    /// as [`handle_exited`](Self::handle_exited), by the name that fits the occasion.
    pub fn handle_start_failed(&mut self, now: Instant, worker: WorkerId) {
        self.handle_exited(now, worker);
    }

    /// The worker sent a result, after a run of `ran`.
    ///
    /// Tells what is to be done with it; on [`Finished::Unknown`] nothing has changed. Results are accepted in
    /// any order: a worker that runs its tasks out of order harms only their time limits.
    pub fn handle_finished(
        &mut self,
        now: Instant,
        worker: WorkerId,
        task: TaskId,
        ran: Duration,
    ) -> Finished<P> {
        let finished = self.finish(now, worker, task, ran);
        self.settle(now);
        finished
    }

    /// The answer to [`Action::Revoke`]: true if the task was taken back before the worker claimed it. Ignored
    /// if nothing was asked.
    pub fn handle_revoked(&mut self, now: Instant, task: TaskId, revoked: bool) {
        self.revoked(now, task, revoked);
        self.settle(now);
    }

    /// The answer to [`Action::Inspect`]. Ignored if nothing was asked.
    ///
    /// The worker may say what it likes; what it gains by a lie is bounded, as
    /// [`TaskSpec::items`] tells.
    pub fn handle_inspected(&mut self, now: Instant, task: TaskId, standing: Standing) {
        self.inspected(now, task, standing);
        self.settle(now);
    }

    /// The worker must go: it broke the protocol, hung up, or passed a limit of the driver's.
    ///
    /// It is killed as for a timed-out task: what it has not begun runs elsewhere, and what it runs is
    /// resolved when its exit is reported. A worker that is not ready failed to start. Ignored if the worker is
    /// killed already or unknown.
    pub fn handle_faulty(&mut self, now: Instant, worker: WorkerId) {
        if let Some(place) = self.fleet.find(worker) {
            self.give_up(now, place);
        }
        self.settle(now);
    }

    /// The worker's process is reaped, and all results that it sent are reported. A worker that was not ready
    /// has failed to start. Ignored if the worker is unknown.
    pub fn handle_exited(&mut self, now: Instant, worker: WorkerId) {
        if let Some(place) = self.fleet.find(worker) {
            self.exited(now, place);
        }
        self.settle(now);
    }

    /// Like [`handle_exited`](Self::handle_exited), of a worker that passed a limit of the driver's in what it
    /// ran: that would only pass it again, so it is not retried.
    pub fn handle_exited_over_limit(&mut self, now: Instant, worker: WorkerId) {
        if let Some(place) = self.fleet.find(worker) {
            self.fleet[place].over_limit = true;
            self.exited(now, place);
        }
        self.settle(now);
    }

    /// The worker is to be replaced when there is a chance: its replacement is started first, it finishes what
    /// it has, and not many are replaced at once. Ignored if it is unknown or not ready.
    pub fn handle_worn(&mut self, now: Instant, worker: WorkerId) {
        if let Some(place) = self.fleet.find(worker) {
            self.wear(place);
        }
        self.settle(now);
    }

    /// Time has passed. May be called too early or too often.
    pub fn handle_tick(&mut self, now: Instant) {
        while let Some(due) = self.deadlines.pop_due(now) {
            match due {
                Due::Task(task) => self.waited(now, task),
                Due::Deadline(task) => self.expired(now, task),
                Due::Retry(task) => self.paused(now, task),
                Due::Collect => self.collect(now),
                Due::Look => self.look(now),
                Due::LateTasks => self.look_for_late_tasks(now),
                // What follows is decided when all is settled.
                Due::Spread => self.spread = None,
                Due::Age(place) => self.aged(place),
                Due::Head(place) => self.clock_rang(place),
                Due::Worker(place) => self.too_slow(now, place),
            }
        }
        self.settle(now);
    }

    /// When [`handle_tick`](Self::handle_tick) is next needed. Changes with every input.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let opens = match self.wanted() {
            0 => None,
            _ => self.gate.opens(self.fleet.starting),
        };
        let deadlines = [self.deadlines.first(), self.next_idle(), opens];
        deadlines.into_iter().flatten().min()
    }

    /// Accepts nothing more. What is accepted is finished; then every worker is stopped.
    pub fn handle_close(&mut self, now: Instant) {
        if self.phase == Phase::Open {
            self.phase = Phase::Closed;
            self.disband_line();
            self.fail_warm_ups(Cold::Closed);
            self.fail_broadcasts(Unspread::Closed);
        }
        self.settle(now);
    }

    /// Ends everything now: kills every worker, then resolves every unfinished task, and spawns nothing more.
    pub fn handle_terminate(&mut self, now: Instant) {
        self.terminate();
        self.settle(now);
    }

    /// Whether nothing more is accepted.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.phase != Phase::Open
    }

    /// True if the pool is closed, nothing is left of it, and all actions are polled.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.phase != Phase::Open
            && self.tasks.is_empty()
            && self.fleet.is_empty()
            && self.actions.is_empty()
    }

    /// Where the task is.
    #[must_use]
    pub fn state(&self, task: TaskId) -> TaskState {
        match self.tasks.get(task) {
            Some(task) if task.is_resolved() => TaskState::Finished,
            None => TaskState::Finished,
            Some(task) => match task.sent() {
                Some(sent) => TaskState::Sent {
                    worker: self.fleet[sent.worker].id,
                    slot: sent.slot,
                    dispatch_id: sent.dispatch_id,
                },
                None => TaskState::Queued,
            },
        }
    }

    /// What was given to [`handle_submit`](Self::handle_submit), until the task is resolved.
    pub fn payload_mut(&mut self, task: TaskId) -> Option<&mut P> {
        self.tasks.get_mut(task)?.payload.as_mut()
    }

    /// Moves on what has become possible. Called at the end of every input.
    pub(crate) fn settle(&mut self, now: Instant) {
        self.has_decided = true;
        if self.in_batch || self.revoking > 0 || self.shortening > 0 {
            return;
        }
        self.dispatch_all(now);
        self.rebalance(now);
        self.grant_room();
        self.retire_worn();
        self.finish_warm_ups();
        self.trim(now);
        self.shrink(now);
        self.grow(now);
        self.stop_when_done(now);
    }

    pub(crate) fn is_ready(&self, place: usize) -> bool {
        self.fleet[place].stage == Stage::Ready
    }
}

impl<P> fmt::Debug for Scheduler<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler")
            .field("phase", &self.phase)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
