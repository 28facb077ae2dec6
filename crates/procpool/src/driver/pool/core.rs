//! A pool's shared state behind its one lock, and the steps that handle an input.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use procpool_scheduler::{Refused, Scheduler, TaskId, TaskSpec, WorkerId};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::driver::pool::broadcasts::Broadcasts;
use crate::driver::pool::combining_lock::CombiningLock;
use crate::driver::pool::effects::{Effects, SpawnRequest};
use crate::driver::pool::ending::Ending;
use crate::driver::pool::job::Job;
use crate::driver::pool::queued_input::QueuedInput;
use crate::driver::pool::state::{State, Tally};
use crate::driver::pool_config::PoolConfig;
use crate::driver::process::process_env::ProcessEnv;
use crate::driver::process::worker_limits::WorkerLimits;
use crate::driver::wait::alarm::{Alarm, delay};
use crate::driver::wait::stopped::Stopped;
use crate::error::{TaskError, WorkerStartError};
use crate::task::call::EncodedCall;
use crate::task::cell::TaskCell;

static SERIAL: AtomicU64 = AtomicU64::new(1);

/// The state of one pool that its handles and runtime tasks share.
#[derive(Debug)]
pub(crate) struct Core {
    state: CombiningLock<State, QueuedInput>,
    config: PoolConfig,
    runtime: Handle,
    alarm: Alarm,
    stopped: Stopped,
    /// Set when the pool is closed: it accepts no more tasks.
    is_closed: AtomicBool,
    spawns: UnboundedSender<SpawnRequest>,
    /// Tells the pools of this process apart.
    serial: u64,
}

/// The effects of an input. They are performed after the lock is released.
struct Outcome {
    effects: Option<Effects>,
    is_stopped: bool,
}

impl Core {
    /// Creates a pool without workers on the current runtime. The pool sends the receiver each worker that is to be started.
    ///
    /// # Panics
    /// As tokio does: outside of a runtime, or in one without I/O.
    pub(crate) fn new(
        mut config: PoolConfig,
    ) -> io::Result<(Arc<Self>, UnboundedReceiver<SpawnRequest>)> {
        let scheduler = Scheduler::new(config.scheduler.clone());
        let startup_timeout = config.scheduler.startup_timeout;
        let broadcasts = Broadcasts::new(std::mem::take(&mut config.broadcasts));
        let limits = config.limits.clone();
        let state = State::new(scheduler, startup_timeout, limits, config.spin, broadcasts);
        let (spawns, requests) = mpsc::unbounded_channel();
        let core = Core {
            state: CombiningLock::new(state),
            config,
            runtime: Handle::current(),
            alarm: Alarm::new()?,
            stopped: Stopped::default(),
            is_closed: AtomicBool::new(false),
            spawns,
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
        };
        Ok((Arc::new(core), requests))
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

    pub(crate) fn env(&self) -> &ProcessEnv {
        &self.config.env
    }

    pub(crate) fn initializer(&self) -> Option<&EncodedCall> {
        self.config.initializer.as_ref()
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

    /// Locks the state, handles `input` and the scheduler's decisions, performs the effects, and returns the value of `input`.
    pub(crate) fn with<T>(self: &Arc<Self>, input: impl FnOnce(&mut State, Instant) -> T) -> T {
        let (answer, outcome) = self.decide(self.state.lock(), input);
        self.apply(outcome);
        self.handle_pending();
        answer
    }

    /// Like [`with`](Self::with), but returns the spawn requests to the caller instead of sending them to the pool's task.
    pub(crate) fn with_spawns(
        self: &Arc<Self>,
        input: impl FnOnce(&mut State, Instant),
    ) -> Vec<SpawnRequest> {
        let ((), mut outcome) = self.decide(self.state.lock(), input);
        let spawn = outcome.effects.as_mut().map(|effects| &mut effects.spawn);
        let requests = spawn.map(std::mem::take).unwrap_or_default();
        self.apply(outcome);
        self.handle_pending();
        requests
    }

    /// Handles that the alarm's time has come. If another thread has the lock, this enqueues the input, and that thread handles it.
    pub(crate) fn handle_alarm(self: &Arc<Self>) {
        match self.state.try_lock() {
            Some(state) => {
                let ((), outcome) = self.decide(state, State::handle_alarm);
                self.apply(outcome);
            }
            None => self.state.enqueue(QueuedInput::Alarm),
        }
        self.handle_pending();
    }

    /// Submits the task of a cell. If the scheduler refuses the task, the cell gets the error.
    ///
    /// If another thread has the lock, this enqueues the task, and that thread submits it. In a pool with a queue limit, the caller
    /// waits for the lock instead, because it must know at once whether the task is refused.
    pub(crate) fn submit_call(self: &Arc<Self>, spec: TaskSpec, job: Job, cell: &TaskCell) {
        let locked = match self.config.scheduler.queue_capacity {
            usize::MAX => self.state.try_lock(),
            _ => Some(self.state.lock()),
        };
        match locked {
            Some(mut state) if state.scheduler.only_joins(&spec) && !self.state.has_pending() => {
                // The task only joins the queue. The scheduler decides nothing, so it does not need the current time.
                let now = state.now;
                let submitted = state.scheduler.handle_submit(now, spec, job);
                drop(state);
                answer_submit(cell, submitted);
            }
            Some(state) => {
                let (submitted, outcome) = self.decide(state, |state, now| {
                    state.scheduler.handle_submit(now, spec, job)
                });
                answer_submit(cell, submitted);
                self.apply(outcome);
            }
            None => self.state.enqueue(QueuedInput::Submit { spec, job }),
        }
        self.handle_pending();
    }

    /// Handles the inputs that other threads have enqueued while this thread had the lock.
    #[inline]
    fn handle_pending(self: &Arc<Self>) {
        while let Some(state) = self.state.lock_if_pending() {
            let ((), outcome) = self.decide(state, |_, _| {});
            self.apply(outcome);
        }
    }

    /// Handles the pending inputs and then `input`, performs the scheduler's actions, and releases the lock.
    #[inline]
    fn decide<T>(
        &self,
        mut state: MutexGuard<'_, State>,
        input: impl FnOnce(&mut State, Instant) -> T,
    ) -> (T, Outcome) {
        let now = Instant::now();
        state.now = now;
        self.state.take_pending(&mut state.pending);
        state.handle_pending(now);
        let answer = input(&mut state, now);
        if state.scheduler.take_decided() {
            state.perform(now);
            self.set_alarm(&mut state, now);
        }
        // Most submits only join the queue.
        let effects = (!state.effects.is_empty()).then(|| state.effects.take());
        let is_stopped = state.is_stopped();
        (
            answer,
            Outcome {
                effects,
                is_stopped,
            },
        )
    }

    /// Performs the effects of an input. The caller does not hold the lock.
    #[inline]
    fn apply(self: &Arc<Self>, outcome: Outcome) {
        if let Some(effects) = outcome.effects {
            effects.apply(|request| {
                if let Err(refused) = self.spawns.send(request) {
                    let (worker, _) = refused.0;
                    self.forget_unstarted(worker);
                }
            });
        }
        if outcome.is_stopped {
            self.stopped.set();
        }
    }

    /// Handles that the runtime stopped before this worker was started.
    pub(crate) fn forget_unstarted(self: &Arc<Self>, worker: WorkerId) {
        let error = io::Error::other("the runtime has stopped");
        let ending = Ending::NotStarted(WorkerStartError::spawn(error));
        let entry = self.with(|state, now| {
            state.handle_ended(now, worker, ending);
            state.forget(worker)
        });
        drop(entry);
    }

    /// Closes the pool: it accepts no more tasks. Accepted tasks finish, then the workers stop.
    pub(crate) fn close(self: &Arc<Self>) {
        self.with(|state, now| {
            state.scheduler.handle_close(now);
            self.is_closed.store(true, Ordering::Release);
        });
    }

    /// Returns whether the pool is closed. Takes no lock.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Kills all workers now. Unfinished tasks get an error.
    pub(crate) fn terminate(self: &Arc<Self>) {
        self.with(|state, now| {
            state.scheduler.handle_terminate(now);
            self.is_closed.store(true, Ordering::Release);
        });
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.is_set()
    }

    /// Waits until the last worker has been reaped.
    pub(crate) async fn stopped(&self) {
        self.stopped.wait().await;
    }

    /// Waits until the last worker has been reaped, for at most `grace`.
    pub(crate) async fn stopped_within(&self, grace: Duration) {
        tokio::select! {
            () = self.stopped() => {}
            delayed = delay(grace) => if let Err(error) = delayed {
                tracing::error!(%error, "procpool: a shutdown can't wait");
            },
        }
    }

    /// Returns how many tasks were abandoned and how many workers were killed so far.
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

/// Gives the cell of a task its id, or the reason why the task was refused.
#[inline]
fn answer_submit(cell: &TaskCell, submitted: Result<TaskId, Refused<Job>>) {
    match submitted {
        Ok(task) => cell.accept(task),
        Err(refused) => cell.finish(Err(Box::new(TaskError::refused(refused.reason)))),
    }
}
