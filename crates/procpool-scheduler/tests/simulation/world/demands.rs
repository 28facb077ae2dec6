//! What the users do to the pool.

use std::time::{Duration, Instant};

use procpool_scheduler::{Refused, RefusedReason, TaskId, TaskSpec, TaskState};

use super::{Event, Payload, World};
use crate::process::Told;
use crate::users::{self, Cancel, UserTask};

impl World {
    pub(super) fn submit(&mut self) {
        let spec = self
            .next_spec
            .take()
            .unwrap_or_else(|| users::spec(&mut self.rng));
        let number = self.tasks.len();
        let had_room = self.scheduler.has_room();
        match self
            .scheduler
            .handle_submit(self.now, spec, Payload(number))
        {
            Ok(id) => {
                let empty = self.line.is_empty() && self.permits.is_empty();
                assert!(had_room || empty, "accepted in the place of others");
                self.accepted(id, spec);
            }
            Err(Refused { reason, payload }) => {
                self.see("refused");
                assert_eq!(payload.0, number);
                match reason {
                    RefusedReason::Closed => assert!(self.closed),
                    RefusedReason::QueueFull => assert!(!self.closed && !had_room),
                }
            }
        }
        self.perform();
    }

    /// The scheduler knows of another task. Its number.
    pub(super) fn add(&mut self, id: TaskId, spec: TaskSpec, accepted: Instant) -> usize {
        let number = self.tasks.len();
        assert!(
            self.numbers.insert(id, number).is_none(),
            "{id} was used before"
        );
        self.tasks.push(UserTask {
            id,
            spec,
            accepted,
            claims: Vec::new(),
            revoked: 0,
            cancel: None,
            deadline: None,
            end: None,
        });
        number
    }

    pub(super) fn accepted(&mut self, id: TaskId, spec: TaskSpec) {
        assert!(!self.closed, "accepted after close");
        let number = self.add(id, spec, self.now);
        if self.rng.chance(self.chances.cancelled) {
            let how = self.rng.pick(&[Cancel::Always, Cancel::IfQueued]);
            let after = match self.rng.within(0, 2) {
                0 => Duration::ZERO,
                1 => self.rng.micros(0, 100),
                _ => self.rng.micros(0, 10_000),
            };
            self.schedule(after, Event::Cancel(number, how));
        }
        if self.rng.chance(self.chances.deadline) {
            let after = self.rng.micros(0, 10_000);
            self.schedule(after, Event::Deadline(number));
        }
    }

    /// The task gets a deadline, or another one, or none any more.
    pub(super) fn set_deadline(&mut self, number: usize) {
        let at = match self.rng.within(0, 4) {
            0 => None,
            _ => Some(self.now + self.rng.micros(0, 5_000)),
        };
        let task = &mut self.tasks[number];
        if task.end.is_none() {
            task.deadline = at;
        }
        let id = task.id;
        self.scheduler.handle_cancel_at(self.now, id, at);
        self.perform();
        if at.is_some() && self.rng.chance(0.3) {
            let after = self.rng.micros(0, 5_000);
            self.schedule(after, Event::Deadline(number));
        }
    }

    pub(super) fn cancel(&mut self, task: usize, how: Cancel) {
        let id = self.tasks[task].id;
        let was_over = self.tasks[task].end.is_some();
        if !was_over {
            self.tasks[task].cancel = Some(how);
        }
        match how {
            Cancel::Always => self.scheduler.handle_cancel(self.now, id),
            Cancel::IfQueued => self.scheduler.handle_cancel_if_queued(self.now, id),
        }
        self.perform();
        let task = &self.tasks[task];
        // A task whose worker has died has begun too, though it waits to be retried.
        let spared = how == Cancel::IfQueued && !task.claims.is_empty();
        assert_eq!(task.end.is_some(), was_over || !spared, "cancelled or not");
        assert_eq!(
            task.end.is_some(),
            self.scheduler.state(id) == TaskState::Finished
        );
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
        self.permits.clear();
        self.scheduler.handle_close(self.now);
        self.perform();
    }

    pub(super) fn terminate(&mut self) {
        (self.closed, self.terminated) = (true, true);
        self.permits.clear();
        self.scheduler.handle_terminate(self.now);
        self.perform();
        assert!(self.tasks.iter().all(|task| task.end.is_some()));
        assert!(
            self.processes
                .values()
                .all(|process| process.told == Told::Kill)
        );
    }
}
