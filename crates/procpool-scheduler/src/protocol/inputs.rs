//! What the driver tells the scheduler: the inputs about tasks, workers and the pool.

use std::time::{Duration, Instant};

use crate::action::{BroadcastError, Finished, Refused, RunState, WarmUpError};
use crate::id::{TaskId, WorkerId};
use crate::spec::TaskSpec;
use crate::state::deadlines::Due;
use crate::state::scheduler::{Phase, Scheduler};
use crate::state::task::Task;

/// The pool.
impl<P> Scheduler<P> {
    /// Starts `min_workers`, and the standby workers.
    pub fn handle_start(&mut self, now: Instant) {
        self.settle(now);
    }

    /// Several inputs follow that happened together. Their consequences for the pool as a whole are decided once, by
    /// [`end_batch`](Self::end_batch).
    pub fn begin_batch(&mut self) {
        self.in_batch = true;
    }

    /// Ends a batch.
    pub fn end_batch(&mut self, now: Instant) {
        self.in_batch = false;
        self.settle(now);
    }

    /// Time has passed. May be called too early or too often.
    pub fn handle_tick(&mut self, now: Instant) {
        while let Some(due) = self.deadlines.pop_due(now) {
            match due {
                Due::TaskWait(task) => self.wait_timer_fired(now, task),
                Due::Cancel(task) => self.cancel_timer_fired(now, task),
                Due::Retry(task) => self.retry(now, task),
                Due::Collect => self.look_for_held_back_results(now),
                Due::Untouched => self.look_for_untouched_tasks(now),
                Due::LateTasks => self.look_for_late_tasks(now),
                // `rebalance` looks, when the pool is settled.
                Due::Affinities => self.affinity_look = None,
                Due::TooOld(place) => self.too_old(place),
                Due::RunTimeout(place) => self.run_timer_fired(place),
                Due::TooSlow(place) => self.too_slow(now, place),
            }
        }
        self.settle(now);
    }

    /// Accepts nothing more. Tasks that are accepted are finished. Then every worker is stopped.
    pub fn handle_close(&mut self, now: Instant) {
        if self.phase == Phase::Open {
            self.phase = Phase::Closed;
            self.deny_reservations();
            self.fail_warm_ups(WarmUpError::Closed);
            self.fail_broadcasts(BroadcastError::Closed);
        }
        self.settle(now);
    }

    /// Ends everything now: kills every worker, then resolves every unfinished task, and spawns nothing more.
    pub fn handle_terminate(&mut self, now: Instant) {
        self.terminate();
        self.settle(now);
    }
}

/// Tasks.
impl<P> Scheduler<P> {
    /// Whether a task like this would only join a long queue, behind other tasks for which there is no room. Then the
    /// moment at which it is submitted makes no difference, and any earlier moment will do.
    #[must_use]
    #[inline]
    pub fn only_joins(&self, spec: &TaskSpec) -> bool {
        // More tasks wait than workers could be started for.
        self.queue.is_ordinary()
            && self.queue.len() > self.config.max_workers
            && spec.queue_key().is_ordinary()
            && spec.queue_timeout.is_none()
    }

    /// Accepts a task. It will be resolved exactly once: by [`Finished::Resolved`] or by
    /// [`Action::Resolve`](crate::Action::Resolve).
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
        let function = self.run_times.index(spec.function);
        let id = self.tasks.insert(Task::new(spec, payload, function, now));
        self.open_tasks += 1;
        if let Some(limit) = spec.queue_timeout {
            let task = self.tasks.get_mut(id).expect("just inserted");
            task.details_mut().wait_timer = self.deadlines.arm(now, limit, Due::TaskWait(id));
        }
        let only_joins = self.only_joins(&spec);
        self.queue.push_back(now, spec.queue_key(), id);
        if !only_joins {
            self.settle(now);
        }
        id
    }

    /// The result of the task is not wanted any more.
    ///
    /// If the task has not begun, it never will. If it runs, it is resolved now, and its worker is killed. If it has a
    /// grace, it is asked to give up first, and its worker is killed at the end of the grace. Ignored if the task is
    /// resolved or unknown.
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

    /// As [`handle_cancel_if_queued`](Self::handle_cancel_if_queued) for every task at once: none of them begins because
    /// another one was cancelled.
    pub fn handle_cancel_queued(&mut self, now: Instant) {
        self.cancel_queued(now);
        self.settle(now);
    }

    /// The task is to be cancelled at this moment if it is not resolved by then. `None` takes that back. Ignored if the
    /// task is resolved or unknown.
    pub fn handle_cancel_at(&mut self, now: Instant, task: TaskId, at: Option<Instant>) {
        self.cancel_at(now, task, at);
        self.settle(now);
    }

    /// The worker sent a result, after a run of `ran`.
    ///
    /// Tells what is to be done with it. On [`Finished::Unknown`] nothing has changed. Results are accepted in any
    /// order: a worker that runs its tasks out of order harms only their time limits.
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

    /// The answer to [`Action::Revoke`](crate::Action::Revoke): true if the task was taken back before the worker claimed
    /// it. Ignored if nothing was asked.
    pub fn handle_revoked(&mut self, now: Instant, task: TaskId, revoked: bool) {
        self.revoke_answered(now, task, revoked);
        self.settle(now);
    }

    /// The answer to [`Action::Inspect`](crate::Action::Inspect). Ignored if nothing was asked.
    ///
    /// The worker may lie. [`TaskSpec::items`] tells how little it gains by that.
    pub fn handle_inspected(&mut self, now: Instant, task: TaskId, state: RunState) {
        self.inspected(now, task, state);
        self.settle(now);
    }
}

/// Workers. These inputs are ignored if the worker is unknown.
impl<P> Scheduler<P> {
    /// The worker completed its handshake and its initializer. Ignored unless it is starting: it may have been given up
    /// in the meantime.
    pub fn handle_ready(&mut self, now: Instant, worker: WorkerId) {
        if let Some(place) = self.fleet.find(worker) {
            self.ready(now, place);
        }
        self.settle(now);
    }

    /// The worker could not be spawned, or failed before it was ready, and its process is gone. The same input as
    /// [`handle_exited`](Self::handle_exited), by the name that fits the occasion.
    pub fn handle_start_failed(&mut self, now: Instant, worker: WorkerId) {
        self.handle_exited(now, worker);
    }

    /// The worker must go: it broke the protocol, hung up, or passed a limit of the driver's.
    ///
    /// It is killed as for a task that timed out: tasks that it has not begun run elsewhere, and the task that it runs is
    /// resolved when its exit is reported. A worker that is not ready failed to start. Ignored if the worker is
    /// killed already.
    pub fn handle_faulty(&mut self, now: Instant, worker: WorkerId) {
        if let Some(place) = self.fleet.find(worker) {
            self.give_up(now, place);
        }
        self.settle(now);
    }

    /// The worker's process is reaped, and all results that it sent are reported. A worker that was not ready has failed
    /// to start.
    pub fn handle_exited(&mut self, now: Instant, worker: WorkerId) {
        if let Some(place) = self.fleet.find(worker) {
            self.exited(now, place, false);
        }
        self.settle(now);
    }

    /// Like [`handle_exited`](Self::handle_exited), of a worker that passed a limit of the driver's in the task that it
    /// ran. That task is not retried, since it would only pass the limit again.
    pub fn handle_exited_over_limit(&mut self, now: Instant, worker: WorkerId) {
        if let Some(place) = self.fleet.find(worker) {
            self.exited(now, place, true);
        }
        self.settle(now);
    }

    /// The worker is to be replaced soon. Its replacement is started first, it finishes its tasks, and few workers are
    /// replaced at a time. Ignored if it is not ready.
    pub fn handle_needs_recycle(&mut self, now: Instant, worker: WorkerId) {
        if let Some(place) = self.fleet.find(worker) {
            self.mark_for_recycling(place);
        }
        self.settle(now);
    }
}
