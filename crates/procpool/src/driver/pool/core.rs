//! The one lock of a pool, and what goes through it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use parking_lot::MutexGuard;
use procpool_scheduler::{
    FunctionKey, RefusedReason, ReservationId, Scheduler, TaskId, TaskSpec, TaskState as Phase,
    WarmUpId, WorkerId,
};
use tokio::runtime::Handle;

use crate::driver::maps::map_sink::{Arrival, Intake};
use crate::driver::pool::combining_lock::Doorway;
use crate::driver::pool::effects::{Effects, Told};
use crate::driver::pool::event_queue::Message;
use crate::driver::pool::job::Job;
use crate::driver::pool::pool_config::CoreConfig;
use crate::driver::pool::state::broadcasts::Broadcasts;
use crate::driver::pool::state::{State, Tally};
use crate::driver::process::kill_switch::KillSwitch;
use crate::driver::process::process_env::Surroundings;
use crate::driver::process::worker_limits::WorkerLimits;
use crate::driver::submit::fresh_call::FreshCall;
use crate::driver::submit::submission::Submission;
use crate::driver::wait::alarm::{Alarm, delay};
use crate::driver::wait::stopped::Stopped;
use crate::error::TaskError;
use crate::pool::pool_size::PoolSize;
use crate::task::call::EncodedCall;
use crate::task::cell::TaskCell;
use crate::task::foreign_waker::answer_nothing;
use crate::task::task_state::TaskState;

static SERIAL: AtomicU64 = AtomicU64::new(1);

/// A pool, as all its parts share it.
#[derive(Debug)]
pub(crate) struct Core {
    state: Doorway<State, Message>,
    config: CoreConfig,
    runtime: Handle,
    alarm: Alarm,
    stopped: Stopped,
    /// Set once nothing more is accepted.
    is_closed: AtomicBool,
    supervise: Supervise,
    /// Tells the pools of this process apart.
    serial: u64,
}

/// What follows from an input, to be done when the lock is released.
type Outcome = (Option<Effects>, bool);

/// Begins the life of a worker. The core knows it by this type alone, since whoever sees a worker
/// through needs the core.
///
/// The last argument tells whether it is the first of several.
pub(crate) type Supervise = fn(Arc<Core>, WorkerId, Arc<KillSwitch>, bool);

impl Core {
    /// A pool on the runtime around, without workers.
    ///
    /// # Panics
    /// Where tokio does: outside of a runtime, or in one without I/O.
    pub(crate) fn new(mut config: CoreConfig, supervise: Supervise) -> io::Result<Self> {
        let scheduler = Scheduler::new(config.scheduler.clone());
        let startup_timeout = config.scheduler.startup_timeout;
        let broadcasts = Broadcasts::new(std::mem::take(&mut config.broadcasts));
        let limits = config.limits.clone();
        let state = State::new(scheduler, startup_timeout, limits, config.spin, broadcasts);
        Ok(Core {
            state: Doorway::new(state),
            config,
            runtime: Handle::current(),
            alarm: Alarm::new()?,
            stopped: Stopped::default(),
            is_closed: AtomicBool::new(false),
            supervise,
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
        })
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    pub(crate) fn surroundings(&self) -> &Surroundings {
        &self.config.surroundings
    }

    pub(crate) fn initializer(&self) -> Option<&EncodedCall> {
        self.config.initializer.as_ref()
    }

    /// What a worker that is about to start must run before it is ready.
    pub(crate) fn broadcasts(self: &Arc<Self>, worker: WorkerId) -> Vec<EncodedCall> {
        self.with(|state, _| state.broadcasts(worker))
    }

    /// For how long a worker that is about to start may look for its first task before it sleeps.
    pub(crate) fn first_spin(self: &Arc<Self>) -> Duration {
        self.with(|state, _| state.first_spin())
    }

    pub(crate) fn limits(&self) -> &WorkerLimits {
        &self.config.limits
    }

    pub(crate) fn startup_timeout(&self) -> Duration {
        self.config.scheduler.startup_timeout
    }

    pub(crate) fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.is_set()
    }

    /// Gives the state an input, performs what follows from it, and returns the input's answer.
    pub(crate) fn with<T>(self: &Arc<Self>, input: impl FnOnce(&mut State, Instant) -> T) -> T {
        let (answer, outcome) = self.decide(self.state.enter(), input);
        self.apply(outcome);
        self.see_to_left();
        answer
    }

    /// As [`with`](Self::with), if nobody else has the lock.
    pub(crate) fn try_with<T>(
        self: &Arc<Self>,
        input: impl FnOnce(&mut State, Instant) -> T,
    ) -> Option<T> {
        let (answer, outcome) = self.decide(self.state.try_enter()?, input);
        self.apply(outcome);
        self.see_to_left();
        Some(answer)
    }

    /// For who could not enter: whoever has the lock sees to this.
    pub(crate) fn leave(self: &Arc<Self>, message: Message) {
        self.state.leave(message);
        self.see_to_left();
    }

    /// Performs what was left at the lock while nobody could enter.
    #[inline]
    fn see_to_left(self: &Arc<Self>) {
        while let Some(state) = self.state.enter_for_left() {
            let ((), outcome) = self.decide(state, |_, _| {});
            self.apply(outcome);
        }
    }

    /// As [`with`](Self::with), but to begin the lives of workers is left to the caller, who gets them.
    pub(crate) fn with_newcomers(
        self: &Arc<Self>,
        input: impl FnOnce(&mut State, Instant),
    ) -> Vec<(WorkerId, Arc<KillSwitch>)> {
        let ((), mut outcome) = self.decide(self.state.enter(), input);
        let spawn = outcome.0.as_mut().map(|effects| &mut effects.spawn);
        let newcomers = spawn.map(std::mem::take).unwrap_or_default();
        self.apply(outcome);
        self.see_to_left();
        newcomers
    }

    #[inline]
    fn decide<T>(
        &self,
        mut state: MutexGuard<'_, State>,
        input: impl FnOnce(&mut State, Instant) -> T,
    ) -> (T, Outcome) {
        let now = Instant::now();
        state.now = now;
        self.state.take_left(&mut state.left);
        state.handle_left(now);
        let answer = input(&mut state, now);
        if state.scheduler.take_decided() {
            state.perform(now);
            self.set_alarm(&mut state, now);
        }
        // Most submits only join the queue.
        let effects = (!state.effects.is_empty()).then(|| state.effects.take());
        (answer, (effects, state.is_stopped()))
    }

    #[inline]
    fn apply(self: &Arc<Self>, (effects, is_stopped): Outcome) {
        if let Some(effects) = effects {
            effects.apply(|worker, switch, is_first| {
                (self.supervise)(Arc::clone(self), worker, switch, is_first);
            });
        }
        if is_stopped {
            self.stopped.set();
        }
    }

    /// Submits the task of a cell, which ends by it if it is refused.
    ///
    /// If someone else has the lock, it is left for them, unless it may be refused: then one knows at once.
    pub(crate) fn submit_call(self: &Arc<Self>, spec: TaskSpec, mut call: FreshCall<'_>) {
        let entered = match self.config.scheduler.queue_capacity {
            usize::MAX => self.state.try_enter(),
            _ => Some(self.state.enter()),
        };
        match entered {
            Some(mut state) if state.scheduler.only_joins(&spec) && !self.state.is_left() => {
                // Nothing follows from it, whatever the time is.
                let now = state.now;
                let submitted = state.submit(now, spec, &mut call);
                drop(state);
                submit_answered(call.cell, submitted);
            }
            Some(state) => {
                let (submitted, outcome) =
                    self.decide(state, |state, now| state.submit(now, spec, &mut call));
                submit_answered(call.cell, submitted);
                self.apply(outcome);
            }
            None => {
                let mut job = call.job();
                call.fill(&mut job);
                self.state
                    .leave(Message::Submitted(Submission { spec, job }));
            }
        }
        self.see_to_left();
    }

    /// Submits a task, in the room that was reserved for it if there is one.
    #[allow(
        clippy::result_large_err,
        reason = "a job that is refused comes out of the lock as it went in, to be dropped there"
    )]
    pub(crate) fn submit(
        self: &Arc<Self>,
        spec: TaskSpec,
        job: Job,
        room: Option<ReservationId>,
    ) -> Result<TaskId, RefusedReason> {
        self.with(|state, now| match room {
            Some(room) => state.scheduler.handle_submit_reserved(now, room, spec, job),
            None => state.scheduler.handle_submit(now, spec, job),
        })
        .map_err(|refused| refused.reason)
    }

    /// Why a task would be refused at this moment, if it would.
    pub(crate) fn refusal(self: &Arc<Self>, function: FunctionKey) -> Option<RefusedReason> {
        self.with(|state, now| state.scheduler.refusal(now, function))
    }

    /// Asks for room in the queue. The receiver tells when there is; it is cancelled when the pool is
    /// closed. [`release`](Self::release) must follow, unless the room is used.
    pub(crate) fn reserve(self: &Arc<Self>) -> (ReservationId, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        let id = self.with(|state, now| {
            let id = state.scheduler.handle_reserve(now);
            // It is there before the answer is performed, which may be now.
            state.waiters.insert(id, sender);
            id
        });
        (id, receiver)
    }

    pub(crate) fn release(self: &Arc<Self>, reservation: ReservationId) {
        let waiter = self.with(|state, now| {
            state.scheduler.handle_release(now, reservation);
            state.waiters.remove(&reservation)
        });
        answer_nothing(waiter);
    }

    /// Gives the pool another size. False if it is closed, and keeps its own.
    pub(crate) fn resize(self: &Arc<Self>, size: PoolSize) -> bool {
        self.with(|state, now| {
            let is_open = !state.scheduler.is_closed();
            state.scheduler.handle_resize(now, size.min(), size.max());
            is_open
        })
    }

    pub(crate) fn size(self: &Arc<Self>) -> PoolSize {
        let (min, max) = self.with(|state, _| state.scheduler.size());
        PoolSize::new(min, max)
    }

    /// Asks for all workers that there may be. The receiver tells when they are ready, or why not.
    /// [`leave_warm_up`](Self::leave_warm_up) must follow.
    pub(crate) fn warm_up(self: &Arc<Self>) -> (WarmUpId, oneshot::Receiver<Told>) {
        let (sender, receiver) = oneshot::channel();
        let id = self.with(|state, now| {
            let id = state.scheduler.handle_warm_up(now);
            state.warm_ups.insert(id, sender);
            id
        });
        (id, receiver)
    }

    /// Has every worker run this once, the present ones and those to come. The receiver tells when the
    /// present ones have, or why not.
    pub(crate) fn broadcast(self: &Arc<Self>, call: EncodedCall) -> oneshot::Receiver<Told> {
        let (sender, receiver) = oneshot::channel();
        self.with(|state, now| {
            let id = state.scheduler.handle_broadcast(now);
            // It is there before anyone is told, and before another worker is spawned.
            state.broadcasts.add(id, call, sender);
        });
        receiver
    }

    pub(crate) fn leave_warm_up(self: &Arc<Self>, warm_up: WarmUpId) {
        let waiter = self.with(|state, now| {
            state.scheduler.handle_leave_warm_up(now, warm_up);
            state.warm_ups.remove(&warm_up)
        });
        answer_nothing(waiter);
    }

    /// Cancels a task at this moment, if it isn't finished by then; `None` takes that back.
    pub(crate) fn cancel_at(self: &Arc<Self>, cell: &TaskCell, at: Option<Instant>) {
        self.with(|state, now| {
            if let Some(task) = cell.accepted() {
                state.scheduler.handle_cancel_at(now, task, at);
            }
        });
    }

    /// So many more items of a stream are wanted.
    pub(crate) fn allow_items(self: &Arc<Self>, task: TaskId, more: u32) {
        self.with(|state, _| state.allow_items(task, more));
    }

    /// Nobody takes the items of a stream any more.
    pub(crate) fn leave_stream(self: &Arc<Self>, intake: &Intake, task: TaskId) {
        let unseen = self.with(|state, now| {
            state.leave_stream(now, task);
            intake.close()
        });
        drop(unseen);
    }

    /// Nobody takes the results of these chunks any more.
    pub(crate) fn cancel_items(self: &Arc<Self>, intake: &Intake, mut chunks: Vec<TaskId>) {
        let unseen = self.with(|state, now| {
            // Chunks that were divided off are told of under this lock.
            let unseen = intake.close();
            chunks.extend(unseen.arrivals.iter().filter_map(Arrival::task));
            // Those that wait first, so that no worker begins one in vain when another is killed.
            for &chunk in &chunks {
                state.scheduler.handle_cancel_if_queued(now, chunk);
                state.perform(now);
            }
            for &chunk in &chunks {
                state.scheduler.handle_cancel(now, chunk);
                state.perform(now);
            }
            unseen
        });
        drop(unseen);
    }

    pub(crate) fn cancel(self: &Arc<Self>, cell: &TaskCell) {
        self.with(|state, now| {
            if let Some(task) = cell.accepted() {
                state.scheduler.handle_cancel(now, task);
            }
        });
    }

    /// Cancels a task that has not begun, and tells whether it did.
    pub(crate) fn cancel_if_queued(self: &Arc<Self>, cell: &TaskCell) -> bool {
        self.with(|state, now| {
            let Some(task) = cell.accepted() else {
                return false;
            };
            let was_finished = state.scheduler.state(task) == Phase::Finished;
            state.scheduler.handle_cancel_if_queued(now, task);
            state.perform(now);
            !was_finished && state.scheduler.state(task) == Phase::Finished
        })
    }

    /// Cancels all tasks that have not begun, and tells how many.
    pub(crate) fn cancel_queued(self: &Arc<Self>) -> usize {
        self.with(|state, now| {
            let before = state.scheduler.open_tasks();
            state.scheduler.handle_cancel_queued(now);
            state.perform(now);
            before - state.scheduler.open_tasks()
        })
    }

    pub(crate) fn task_state(self: &Arc<Self>, cell: &TaskCell) -> TaskState {
        self.with(|state, _| match cell.accepted() {
            Some(task) => state.task_state(task),
            None => TaskState::Finished,
        })
    }

    /// How far a running task says that it has come.
    pub(crate) fn progress(self: &Arc<Self>, cell: &TaskCell) -> Option<(u64, u64)> {
        self.with(|state, _| state.progress(cell.accepted()?))
    }

    /// Accepts nothing more; what was accepted is finished, then the workers stop.
    pub(crate) fn close(self: &Arc<Self>) {
        self.with(|state, now| {
            state.scheduler.handle_close(now);
            self.is_closed.store(true, Ordering::Release);
        });
    }

    /// Whether nothing more is accepted. Takes no lock.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Kills all workers now; what is unfinished gets an error.
    pub(crate) fn terminate(self: &Arc<Self>) {
        self.with(|state, now| {
            state.scheduler.handle_terminate(now);
            self.is_closed.store(true, Ordering::Release);
        });
    }

    /// Waits until the last worker is gone.
    pub(crate) async fn stopped(&self) {
        self.stopped.wait().await;
    }

    /// Waits until the last worker is gone, but for `grace` at most.
    pub(crate) async fn stopped_within(&self, grace: Duration) {
        tokio::select! {
            () = self.stopped() => {}
            delayed = delay(grace) => if let Err(error) = delayed {
                tracing::error!(%error, "procpool: a shutdown can't wait");
            },
        }
    }

    /// What was broken off so far.
    pub(crate) fn tally(self: &Arc<Self>) -> Tally {
        self.with(|state, _| state.tally)
    }

    /// Sets the alarm for the next deadline, unless it is already set for one as early.
    fn set_alarm(&self, state: &mut State, now: Instant) {
        let Some(next) = state.scheduler.next_deadline() else {
            return;
        };
        if state.alarm.is_none_or(|alarm| next < alarm) {
            state.alarm = Some(next);
            let set = self.alarm.set(next.saturating_duration_since(now));
            state.effects.timer_error = set.err();
        }
    }
}

/// Tells the cell of a task what came of its submission.
#[inline]
fn submit_answered(cell: &TaskCell, submitted: Result<TaskId, RefusedReason>) {
    match submitted {
        Ok(task) => cell.accept(task),
        Err(reason) => cell.finish(Err(Box::new(TaskError::refused(reason)))),
    }
}
