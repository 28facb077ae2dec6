//! Submissions that nobody waits for.

use std::time::Instant;

use super::State;
use crate::driver::job::{Job, Sink};
use crate::driver::submission::Submission;
use crate::error::TaskError;

/// For how many there is room after very many came at once.
const KEPT: usize = 256;

impl State {
    /// Accepts what was left at the lock, or else ends it by its refusal. What follows from all of it is decided once.
    #[inline]
    pub(crate) fn admit_left(&mut self, now: Instant) {
        if !self.left.is_empty() {
            self.admit_all(now);
        }
    }

    fn admit_all(&mut self, now: Instant) {
        let mut left = std::mem::take(&mut self.left);
        self.scheduler.begin_batch();
        for Submission { spec, job } in left.drain(..) {
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
                        self.effects.finish.push((cell, Err(error)));
                    }
                }
            }
        }
        self.scheduler.end_batch(now);
        left.shrink_to(KEPT);
        self.left = left;
    }
}
