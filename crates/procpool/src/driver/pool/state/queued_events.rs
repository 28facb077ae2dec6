//! What was left at the lock, since nobody waits for what comes of it.

use std::time::Instant;

use super::State;
use crate::driver::pool::event_queue::Message;
use crate::driver::pool::job::{Job, Sink};
use crate::driver::submit::submission::Submission;
use crate::error::TaskError;

/// For how many there is room after very many came at once.
const KEPT: usize = 256;

impl State {
    /// Handles what was left at the lock. What follows from all of it is decided once.
    #[inline]
    pub(crate) fn handle_left(&mut self, now: Instant) {
        if !self.left.is_empty() {
            self.handle_all_left(now);
        }
    }

    fn handle_all_left(&mut self, now: Instant) {
        let mut left = std::mem::take(&mut self.left);
        self.scheduler.begin_batch();
        for message in left.drain(..) {
            match message {
                Message::Submitted(submission) => self.admit(now, submission),
                Message::Said(worker, mailbox) => {
                    let mut all = std::mem::take(&mut self.said);
                    mailbox.take(&mut all);
                    for said in all.drain(..) {
                        self.handle_said(now, worker, said);
                    }
                    self.said = all;
                }
                Message::Rang => self.handle_alarm(now),
            }
        }
        self.scheduler.end_batch(now);
        left.shrink_to(KEPT);
        self.left = left;
    }

    /// Accepts a task, or else ends it by its refusal.
    fn admit(&mut self, now: Instant, Submission { spec, job }: Submission) {
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
