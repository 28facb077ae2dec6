//! Inputs that were enqueued while another thread had the lock.

use std::time::Instant;

use procpool_scheduler::TaskSpec;

use super::pool_state::State;
use crate::driver::pool::job::{Job, Sink};
use crate::driver::pool::queued_input::QueuedInput;
use crate::error::TaskError;

/// The queue keeps memory for at most this many inputs.
const KEPT: usize = 256;

impl State {
    /// Handles the pending inputs as one batch, so that the scheduler decides once for all of them.
    #[inline]
    pub(crate) fn handle_pending(&mut self, now: Instant) {
        if !self.pending.is_empty() {
            self.handle_all_pending(now);
        }
    }

    fn handle_all_pending(&mut self, now: Instant) {
        let mut pending = std::mem::take(&mut self.pending);
        self.scheduler.begin_batch();
        for input in pending.drain(..) {
            match input {
                QueuedInput::Submit { spec, job } => self.admit(now, spec, job),
                QueuedInput::Alarm => self.handle_alarm(now),
            }
        }
        self.scheduler.end_batch(now);
        pending.shrink_to(KEPT);
        self.pending = pending;
    }

    /// Submits a task to the scheduler. If the scheduler refuses the task, it ends with the reason.
    fn admit(&mut self, now: Instant, spec: TaskSpec, job: Job) {
        match self.scheduler.handle_submit(now, spec, job) {
            Ok(task) => {
                if let Some(job) = self.scheduler.payload_mut(task)
                    && let Sink::Cell(cell) = &job.sink
                {
                    cell.accept(task);
                }
            }
            Err(refused) => {
                let Job { call, sink, .. } = refused.payload;
                self.effects.release(call.args);
                if let Sink::Cell(cell) = sink {
                    let error = TaskError::refused(refused.reason);
                    self.effects.finish.push((cell, Err(Box::new(error))));
                }
            }
        }
    }
}
