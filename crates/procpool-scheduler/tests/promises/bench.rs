//! A scheduler on the workbench: time is turned by hand, and every action is looked at.

use std::time::{Duration, Instant};

use procpool_scheduler::{
    Action, BroadcastError, BroadcastId, Config, Finished, FunctionKey, Outcome, Refused,
    RefusedReason, ReservationId, RunState, Scheduler, TaskId, TaskSpec, TaskState, WarmUpError,
    WarmUpId, WorkerId,
};

pub(crate) struct Bench {
    pub(crate) scheduler: Scheduler<&'static str>,
    start: Instant,
    now: Instant,
    workers: Vec<WorkerId>,
}

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const US: Duration = Duration::from_micros(1);

/// Short if one has run, and long, and of [a millisecond](Bench::learn) if that was learned.
pub(crate) const SHORT: TaskSpec = spec(1);
pub(crate) const LONG: TaskSpec = spec(2);
pub(crate) const MEDIUM: TaskSpec = spec(3);

const fn spec(function: u64) -> TaskSpec {
    TaskSpec::new(FunctionKey(function))
}

pub(crate) fn workers(min: usize, max: usize) -> Config {
    Config {
        min_workers: min,
        max_workers: max,
        untouched_timeout: None,
        late_after: None,
        ..Config::default()
    }
}

impl Bench {
    /// A pool that is started, none of whose workers is ready.
    pub(crate) fn starting(config: Config) -> Self {
        let start = Instant::now();
        let mut scheduler = Scheduler::new(config);
        scheduler.handle_start(start);
        Self {
            scheduler,
            start,
            now: start,
            workers: Vec::new(),
        }
    }

    /// A pool all of whose first workers are ready, and that knows `SHORT` and `LONG`.
    pub(crate) fn ready(config: Config) -> Self {
        let mut bench = Self::starting(config);
        bench.all_ready();
        bench.learn(SHORT, US);
        bench.learn(LONG, 50 * MS);
        bench
    }

    /// While nothing else is to be done, a task is run of which it is learned how long its function takes.
    pub(crate) fn learn(&mut self, spec: TaskSpec, ran: Duration) {
        let (task, worker) = self.run(spec, "to learn");
        self.scheduler.handle_finished(self.now, worker, task, ran);
        assert_eq!(self.actions(), [""; 0]);
    }

    /// All actions that are due, in words: workers by number, tasks by payload where there is one.
    pub(crate) fn actions(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(action) = self.scheduler.poll_action() {
            words.push(self.word(action));
        }
        words
    }

    fn word(&mut self, action: Action<&'static str>) -> String {
        let mut name = |task| match self.scheduler.payload_mut(task) {
            Some(name) => (*name).to_owned(),
            None => "?".to_owned(),
        };
        match action {
            Action::Spawn(worker) => {
                self.workers.push(worker);
                format!("spawn {worker}")
            }
            Action::Dispatch { worker, task, .. } => format!("{} to {worker}", name(task)),
            Action::Revoke { worker, task, .. } => format!("revoke {} from {worker}", name(task)),
            Action::Inspect { worker, task, .. } => format!("inspect {} on {worker}", name(task)),
            Action::Collect(worker) => format!("collect from {worker}"),
            Action::Split {
                worker, task, all, ..
            } => {
                let part = if all { "all" } else { "half" };
                format!("take back {part} of {} from {worker}", name(task))
            }
            Action::RequestCancel { worker, .. } => format!("request cancel on {worker}"),
            Action::Stop(worker) => format!("stop {worker}"),
            Action::Kill(worker) => format!("kill {worker}"),
            Action::Resolve {
                payload, outcome, ..
            } => format!("{payload}: {}", ending(outcome)),
            Action::Grant(reservation) => format!("grant {reservation}"),
            Action::Deny(reservation) => format!("deny {reservation}"),
            Action::WarmUpDone(warm_up) => format!("{warm_up} is warm"),
            Action::WarmUpFailed { warm_up, error } => match error {
                WarmUpError::StartFailed { worker } => {
                    format!("{warm_up} is not warm: {worker} failed to start")
                }
                WarmUpError::Closed => format!("{warm_up} is not warm: closed"),
            },
            Action::RunBroadcast { worker, broadcast } => {
                format!("broadcast {broadcast} to {worker}")
            }
            Action::BroadcastDone(broadcast) => format!("broadcast {broadcast} is spread"),
            Action::BroadcastFailed { broadcast, error } => match error {
                BroadcastError::Refused { worker } => {
                    format!("broadcast {broadcast}: {worker} refused")
                }
                BroadcastError::Died { worker } => format!("broadcast {broadcast}: {worker} died"),
                BroadcastError::TooSlow { worker } => {
                    format!("broadcast {broadcast}: {worker} too slow")
                }
                BroadcastError::Closed => format!("broadcast {broadcast}: closed"),
            },
        }
    }

    pub(crate) fn all_ready(&mut self) {
        self.actions();
        for worker in std::mem::take(&mut self.workers) {
            self.scheduler.handle_ready(self.now, worker);
        }
    }

    pub(crate) fn worker(number: u64) -> WorkerId {
        WorkerId::from_u64(number).expect("from 1")
    }

    pub(crate) fn submit(&mut self, spec: TaskSpec, name: &'static str) -> TaskId {
        self.scheduler
            .handle_submit(self.now, spec, name)
            .expect("accepted")
    }

    pub(crate) fn refused(&mut self, spec: TaskSpec) -> RefusedReason {
        let Refused { reason, payload } = self
            .scheduler
            .handle_submit(self.now, spec, "refused")
            .expect_err("refused");
        assert_eq!(payload, "refused");
        reason
    }

    pub(crate) fn reserve(&mut self) -> ReservationId {
        self.scheduler.handle_reserve(self.now)
    }

    pub(crate) fn release(&mut self, reservation: ReservationId) {
        self.scheduler.handle_release(self.now, reservation);
    }

    pub(crate) fn submit_reserved(
        &mut self,
        reservation: ReservationId,
        spec: TaskSpec,
        name: &'static str,
    ) -> Result<TaskId, RefusedReason> {
        self.scheduler
            .handle_submit_reserved(self.now, reservation, spec, name)
            .map_err(|refused| refused.reason)
    }

    pub(crate) fn cancel_after(&mut self, task: TaskId, after: Option<Duration>) {
        let at = after.map(|after| self.now + after);
        self.scheduler.handle_cancel_at(self.now, task, at);
    }

    /// Submits and expects it to be dispatched, alone.
    pub(crate) fn run(&mut self, spec: TaskSpec, name: &'static str) -> (TaskId, WorkerId) {
        let task = self.submit(spec, name);
        let worker = self.dispatched(task);
        (task, worker)
    }

    fn dispatched(&mut self, expected: TaskId) -> WorkerId {
        match self.scheduler.poll_action() {
            Some(Action::Dispatch { worker, task, .. }) if task == expected => worker,
            other => panic!("not dispatched: {other:?}"),
        }
    }

    pub(crate) fn finish(&mut self, worker: WorkerId, task: TaskId) -> Finished<&'static str> {
        self.scheduler.handle_finished(self.now, worker, task, US)
    }

    /// The task ends after a run of this time, which passes.
    pub(crate) fn finish_after(&mut self, worker: WorkerId, task: TaskId, ran: Duration) {
        self.pass(ran);
        let end = self.scheduler.handle_finished(self.now, worker, task, ran);
        assert!(matches!(end, Finished::Resolved(_)), "{end:?}");
    }

    /// The task that is dispatched next, and nothing else is, by its name.
    pub(crate) fn next_dispatch(&mut self) -> (&'static str, TaskId, WorkerId) {
        match self.scheduler.poll_action() {
            Some(Action::Dispatch { worker, task, .. }) => {
                let name = self.scheduler.payload_mut(task).expect("a payload");
                (*name, task, worker)
            }
            other => panic!("nothing is dispatched: {other:?}"),
        }
    }

    /// Runs what is dispatched on one worker, each task for as long as `time` says of its name, until `count` have
    /// begun. Their names, in order.
    pub(crate) fn run_in_order(
        &mut self,
        count: usize,
        time: impl Fn(&str) -> Duration,
    ) -> Vec<&'static str> {
        let mut names = Vec::new();
        for _ in 0..count {
            let (name, task, worker) = self.next_dispatch();
            names.push(name);
            self.finish_after(worker, task, time(name));
        }
        names
    }

    /// The answer to the next action, which must be a revocation.
    pub(crate) fn answer(&mut self, expected: TaskId, revoked: bool) {
        match self.scheduler.poll_action() {
            Some(Action::Revoke { task, .. }) if task == expected => {
                self.scheduler.handle_revoked(self.now, task, revoked);
            }
            other => panic!("not revoked: {other:?}"),
        }
    }

    /// Answers revocations as told, in whichever order they come, and gives the actions among them.
    pub(crate) fn answer_all(&mut self, answers: &[(TaskId, bool)]) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(action) = self.scheduler.poll_action() {
            match action {
                Action::Revoke { task, .. } => {
                    let answer = answers.iter().find(|(asked, _)| *asked == task);
                    let (_, revoked) = answer.expect("nobody asks for this one");
                    self.scheduler.handle_revoked(self.now, task, *revoked);
                }
                other => told.push(self.word(other)),
            }
        }
        told
    }

    /// The answer to the next action, which must be an inspection.
    pub(crate) fn inspect(&mut self, expected: TaskId, standing: RunState) {
        match self.scheduler.poll_action() {
            Some(Action::Inspect { task, .. }) if task == expected => {
                self.scheduler.handle_inspected(self.now, task, standing);
            }
            other => panic!("not inspected: {other:?}"),
        }
    }

    /// The answer to the next action, which must be an inspection of a task that runs since then.
    pub(crate) fn runs_for(&mut self, expected: TaskId, time: Duration) {
        let since = self.now - time;
        self.inspect(expected, RunState::Running { since });
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    pub(crate) fn is_sent(&self, task: TaskId) -> bool {
        matches!(self.state(task), TaskState::Sent { .. })
    }

    pub(crate) fn cancel(&mut self, task: TaskId) {
        self.scheduler.handle_cancel(self.now, task);
    }

    pub(crate) fn cancel_if_queued(&mut self, task: TaskId) {
        self.scheduler.handle_cancel_if_queued(self.now, task);
    }

    pub(crate) fn cancel_queued(&mut self) {
        self.scheduler.handle_cancel_queued(self.now);
    }

    pub(crate) fn exited(&mut self, worker: WorkerId) {
        self.scheduler.handle_exited(self.now, worker);
    }

    pub(crate) fn exited_over_limit(&mut self, worker: WorkerId) {
        self.scheduler.handle_exited_over_limit(self.now, worker);
    }

    pub(crate) fn needs_recycle(&mut self, worker: WorkerId) {
        self.scheduler.handle_needs_recycle(self.now, worker);
    }

    pub(crate) fn start_failed(&mut self, worker: WorkerId) {
        self.scheduler.handle_start_failed(self.now, worker);
    }

    pub(crate) fn make_ready(&mut self, worker: WorkerId) {
        self.scheduler.handle_ready(self.now, worker);
    }

    /// The driver took items back; the rest has a name of its own.
    pub(crate) fn split(
        &mut self,
        task: TaskId,
        left: u32,
        rest: Option<(u32, &'static str)>,
    ) -> Option<TaskId> {
        self.scheduler.handle_split(self.now, task, left, rest)
    }

    pub(crate) fn close(&mut self) {
        self.scheduler.handle_close(self.now);
    }

    pub(crate) fn terminate(&mut self) {
        self.scheduler.handle_terminate(self.now);
    }

    pub(crate) fn resize(&mut self, min: usize, max: usize) {
        self.scheduler.handle_resize(self.now, min, max);
    }

    pub(crate) fn warm_up(&mut self) -> WarmUpId {
        self.scheduler.handle_warm_up(self.now)
    }

    pub(crate) fn leave_warm_up(&mut self, warm_up: WarmUpId) {
        self.scheduler.handle_leave_warm_up(self.now, warm_up);
    }

    pub(crate) fn broadcast(&mut self) -> BroadcastId {
        self.scheduler.handle_broadcast(self.now)
    }

    /// The worker answers a broadcast.
    pub(crate) fn broadcast_ended(&mut self, worker: u64, ran: bool) {
        let is_expected =
            self.scheduler
                .handle_broadcast_ended(self.now, Self::worker(worker), ran);
        assert!(is_expected, "{worker} was not asked");
    }

    pub(crate) fn faulty(&mut self, worker: WorkerId) {
        self.scheduler.handle_faulty(self.now, worker);
    }

    /// Time passes, and nobody looks at the clock.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// Time passes until the next deadline, which must be after `expected` from now.
    pub(crate) fn next_deadline_after(&mut self, expected: Duration) {
        let deadline = self.scheduler.next_deadline().expect("a deadline");
        assert_eq!(deadline - self.now, expected);
        self.now = deadline;
        self.scheduler.handle_tick(self.now);
    }

    /// Time passes until the next deadline.
    pub(crate) fn next_deadline(&mut self) {
        self.now = self.scheduler.next_deadline().expect("a deadline");
        self.scheduler.handle_tick(self.now);
    }

    pub(crate) fn tick(&mut self) {
        self.scheduler.handle_tick(self.now);
    }

    pub(crate) fn has_no_deadline(&self) -> bool {
        self.scheduler.next_deadline().is_none()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub(crate) fn state(&self, task: TaskId) -> TaskState {
        self.scheduler.state(task)
    }
}

fn ending(outcome: Outcome) -> String {
    match outcome {
        Outcome::Cancelled => "cancelled".to_owned(),
        Outcome::TimedOut { limit } => format!("timed out after {limit:?}"),
        Outcome::QueueTimedOut { limit } => format!("waited {limit:?}"),
        Outcome::WorkerDied { worker, attempts } => format!("{worker} died, attempt {attempts}"),
        Outcome::StartFailed { worker } => format!("{worker} failed to start"),
        Outcome::Terminated => "terminated".to_owned(),
    }
}
