//! The one lock of a pool, and how an input goes through it.

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

/// A pool, as all its parts share it.
#[derive(Debug)]
pub(crate) struct Core {
    state: CombiningLock<State, QueuedInput>,
    config: PoolConfig,
    runtime: Handle,
    alarm: Alarm,
    stopped: Stopped,
    /// Set once nothing more is accepted.
    is_closed: AtomicBool,
    spawns: UnboundedSender<SpawnRequest>,
    /// Tells the pools of this process apart.
    serial: u64,
}

/// The consequences of an input, to be carried out when the lock is released.
struct Outcome {
    effects: Option<Effects>,
    is_stopped: bool,
}

impl Core {
    /// A pool on the runtime around, without workers. The receiver gets the workers that are to be started.
    ///
    /// # Panics
    /// Where tokio does: outside of a runtime, or in one without I/O.
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

    /// Gives the state an input, carries out the consequences, and returns the input's answer.
    pub(crate) fn with<T>(self: &Arc<Self>, input: impl FnOnce(&mut State, Instant) -> T) -> T {
        let (answer, outcome) = self.decide(self.state.lock(), input);
        self.apply(outcome);
        self.handle_pending();
        answer
    }

    /// As [`with`](Self::with), but the caller starts the workers that are to be started.
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

    /// The alarm has rung. If another thread has the lock, it handles that.
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

    /// Submits the task of a cell. If it is refused, the cell gets the error.
    ///
    /// If another thread has the lock, that thread submits it. Where the queue is limited the lock is waited for instead: the
    /// caller is to know at once whether the task is refused.
    pub(crate) fn submit_call(self: &Arc<Self>, spec: TaskSpec, job: Job, cell: &TaskCell) {
        let locked = match self.config.scheduler.queue_capacity {
            usize::MAX => self.state.try_lock(),
            _ => Some(self.state.lock()),
        };
        match locked {
            Some(mut state) if state.scheduler.only_joins(&spec) && !self.state.has_pending() => {
                // Nothing follows from it, whatever the time is.
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

    /// Handles what was queued for a thread that has had the lock.
    #[inline]
    fn handle_pending(self: &Arc<Self>) {
        while let Some(state) = self.state.lock_if_pending() {
            let ((), outcome) = self.decide(state, |_, _| {});
            self.apply(outcome);
        }
    }

    /// Handles what is queued and then the input, has the scheduler's decisions performed, and unlocks the state.
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

    /// The runtime stopped before this worker was started.
    pub(crate) fn forget_unstarted(self: &Arc<Self>, worker: WorkerId) {
        let error = io::Error::other("the runtime has stopped");
        let ending = Ending::NotStarted(WorkerStartError::spawn(error));
        let entry = self.with(|state, now| {
            state.handle_ended(now, worker, ending);
            state.forget(worker)
        });
        drop(entry);
    }

    /// Accepts no more tasks. Accepted tasks finish, then the workers stop.
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

    /// The work that was broken off so far.
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

/// Tells the cell of a task whether it was accepted.
#[inline]
fn answer_submit(cell: &TaskCell, submitted: Result<TaskId, Refused<Job>>) {
    match submitted {
        Ok(task) => cell.accept(task),
        Err(refused) => cell.finish(Err(Box::new(TaskError::refused(refused.reason)))),
    }
}
