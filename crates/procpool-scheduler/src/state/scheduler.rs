//! The state of one pool's scheduler, and what the driver may ask of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Instant;

use crate::action::Action;
use crate::config::Config;
use crate::id::{BroadcastId, TaskId, WarmUpId, WorkerId};
use crate::policy::affinity::Affinities;
use crate::policy::queue::TaskQueue;
use crate::policy::run_time::RunTimes;
use crate::policy::start_gate::StartGate;
use crate::state::deadlines::{Deadlines, Timer};
use crate::state::fleet::Fleet;
use crate::state::flight::Dispatches;
use crate::state::reservation_queue::ReservationQueue;
use crate::state::table::Table;
use crate::state::task::{Task, TaskState};

/// Makes the decisions of one pool. `P` is what the driver keeps with each task.
///
/// The crate's documentation says how to drive it. No input panics, whatever id it is given.
///
/// An input records what happened, and decides what follows for the tasks and workers that it names. Then `settle` decides
/// what follows for the pool.
pub struct Scheduler<P> {
    pub(crate) config: Config,
    pub(crate) phase: Phase,
    pub(crate) tasks: Table<Task<P>>,
    /// How many tasks are accepted and not resolved.
    pub(crate) open_tasks: usize,
    pub(crate) queue: TaskQueue,
    pub(crate) reservations: ReservationQueue,
    pub(crate) warm_ups: BTreeSet<WarmUpId>,
    pub(crate) last_warm_up: u64,
    /// How many workers have yet to run each.
    pub(crate) broadcasts: BTreeMap<BroadcastId, usize>,
    pub(crate) last_broadcast: u64,
    pub(crate) fleet: Fleet,
    pub(crate) dispatches: Dispatches,
    pub(crate) next_worker: WorkerId,
    pub(crate) start_gate: StartGate,
    pub(crate) run_times: RunTimes,
    pub(crate) affinities: Affinities,
    /// The number of the last dispatch.
    pub(crate) last_dispatch_id: u64,
    /// How many tasks in flight were sent with several items.
    pub(crate) tasks_with_items: usize,
    /// Revocations that the driver has not answered. While there are any, nothing is dispatched: the tasks that come back
    /// must be in the queue first, in order.
    pub(crate) revoking: usize,
    /// Tasks that the driver was asked to split, and has not answered. The same holds for these.
    pub(crate) splitting: usize,
    pub(crate) actions: VecDeque<Action<P>>,
    pub(crate) deadlines: Deadlines,
    /// The next look for tasks that workers leave untouched. There is one only while tasks are in flight.
    pub(crate) untouched_look: Option<Timer>,
    /// The next look for tasks that take longer than expected while work waits behind them.
    pub(crate) late_look: Option<Timer>,
    /// The next look for results that are held back, while a worker may hold some back.
    pub(crate) collect_look: Option<Timer>,
    /// How many such looks there were since a worker gave a result.
    pub(crate) quiet_looks: u32,
    /// The next look for tasks that wait for the worker of their affinity while another one is idle.
    pub(crate) affinity_look: Option<Timer>,
    /// Inputs are being gathered. The pool is settled after the last one.
    pub(crate) in_batch: bool,
    /// As in [`take_decided`](Self::take_decided).
    pub(crate) has_decided: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    Open,
    Closed,
    Terminated,
}

impl<P> Scheduler<P> {
    /// A pool without workers. [`handle_start`](Self::handle_start) or the first task starts some.
    ///
    /// # Panics
    ///
    /// If `max_workers` is 0 or less than `min_workers`, or `window` is not 1 to [`Config::MAX_WINDOW`].
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
            start_gate: StartGate::new(config.backoff),
            config,
            phase: Phase::Open,
            tasks: Table::new(),
            open_tasks: 0,
            queue: TaskQueue::default(),
            reservations: ReservationQueue::default(),
            warm_ups: BTreeSet::new(),
            last_warm_up: 0,
            broadcasts: BTreeMap::new(),
            last_broadcast: 0,
            fleet: Fleet::default(),
            dispatches: Dispatches::default(),
            next_worker: WorkerId::FIRST,
            run_times: RunTimes::default(),
            affinities: Affinities::default(),
            last_dispatch_id: 0,
            tasks_with_items: 0,
            revoking: 0,
            splitting: 0,
            actions: VecDeque::new(),
            deadlines: Deadlines::default(),
            untouched_look: None,
            late_look: None,
            collect_look: None,
            quiet_looks: 0,
            affinity_look: None,
            in_batch: false,
            has_decided: false,
        }
    }

    /// The next thing to do, if any.
    pub fn poll_action(&mut self) -> Option<Action<P>> {
        self.actions.pop_front()
    }

    /// Whether there may be actions, or another [`next_deadline`](Self::next_deadline), since this was last asked. A task
    /// that only joins a long queue changes neither.
    pub fn take_decided(&mut self) -> bool {
        std::mem::take(&mut self.has_decided)
    }

    /// When [`handle_tick`](Self::handle_tick) is next needed. May change with every input.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let opens = match self.wanted() {
            0 => None,
            _ => self.start_gate.opens(self.fleet.starting),
        };
        let deadlines = [self.deadlines.first(), self.next_idle(), opens];
        deadlines.into_iter().flatten().min()
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
            Some(task) => match self.dispatches.of(Some(task)) {
                Some(sent) => TaskState::Sent {
                    worker: self.fleet[sent.worker].id,
                    slot: sent.slot,
                    dispatch_id: sent.dispatch_id,
                },
                None => TaskState::Queued,
            },
        }
    }

    /// The payload that was given to [`handle_submit`](Self::handle_submit), until the task is resolved.
    pub fn payload_mut(&mut self, task: TaskId) -> Option<&mut P> {
        self.tasks.get_mut(task)?.payload.as_mut()
    }

    /// Decides what follows for the pool. Called at the end of every input.
    pub(crate) fn settle(&mut self, now: Instant) {
        self.has_decided = true;
        if self.in_batch || self.revoking > 0 || self.splitting > 0 {
            return;
        }
        self.dispatch_all(now);
        self.rebalance(now);
        self.grant_room();
        self.replace_marked();
        self.finish_warm_ups();
        self.stop_surplus(now);
        self.stop_idle(now);
        self.grow(now);
        self.stop_when_done(now);
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
