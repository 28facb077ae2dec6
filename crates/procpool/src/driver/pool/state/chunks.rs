//! Chunks of a map: what workers say of their items, and what of a chunk goes to another worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use procpool_scheduler::{Standing, TaskId, TaskState as Phase, WorkerId};
use procpool_wire::{Finished, ItemFrames, Outcome, Payload, Returned, RunItems, Ticket};

use super::State;
use super::ends::{Ending, end};
use crate::driver::maps::chunk::Chunk;
use crate::driver::pool::job::{Job, Sink};
use crate::driver::transport::link::Link;
use crate::error::TaskError;

/// A chunk that a worker has.
pub(crate) type Held = (Ticket, TaskId, Arc<Chunk>);

impl State {
    /// A worker says that what it tells from now on is of this chunk.
    pub(crate) fn handle_items_began(&mut self, now: Instant, worker: WorkerId, ticket: Ticket) {
        let entry = self.workers.get_mut(&worker);
        if !entry.is_some_and(|entry| entry.open(ticket)) {
            self.handle_faulty(now, worker, "it began items that it was not given");
        }
    }

    /// A worker says that the next items have returned.
    pub(crate) fn handle_items(&mut self, now: Instant, worker: WorkerId, frames: ItemFrames) {
        self.tell_of_items(now, worker, |chunk| chunk.returned(frames));
    }

    /// A worker says that the next item has failed.
    pub(crate) fn handle_item_failed(&mut self, now: Instant, worker: WorkerId, why: Outcome) {
        self.tell_of_items(now, worker, |chunk| match end(why) {
            Err(error) => chunk.failed(*error),
            Ok(_) => false,
        });
    }

    fn tell_of_items(
        &mut self,
        now: Instant,
        worker: WorkerId,
        tell: impl FnOnce(&Arc<Chunk>) -> bool,
    ) {
        let entry = self.workers.get(&worker);
        let told = entry.and_then(|entry| entry.opened()).is_some_and(|chunk| {
            self.effects.wake(chunk.intake());
            tell(chunk)
        });
        if !told {
            self.handle_faulty(now, worker, "it answered an item that it was not given");
        }
    }

    /// What came of a task whose worker is done with it.
    pub(super) fn settle_job(&mut self, job: Job, ran: Duration, outcome: Outcome) {
        self.effects.release(job.call.args);
        match job.sink {
            Sink::Cell(cell) => self.effects.finish.push((cell, end(outcome))),
            Sink::Chunk(chunk) => {
                match end(outcome) {
                    Ok(_) => chunk.ran(ran),
                    Err(error) => chunk.fail_rest(*error),
                }
                self.effects.wake(chunk.intake());
            }
        }
    }

    /// As [`settle_job`](Self::settle_job), of a function that returned little.
    #[inline]
    pub(super) fn settle_returned(&mut self, job: Job, returned: Returned<'_>) {
        self.effects.release(job.call.args);
        match job.sink {
            Sink::Cell(cell) => self.effects.finish_returned(cell, returned.result),
            Sink::Chunk(chunk) => {
                chunk.ran(returned.ran);
                self.effects.wake(chunk.intake());
            }
        }
    }

    /// A task has ended without its worker's word.
    pub(super) fn fail_job(&mut self, job: Job, error: TaskError, timed_out: bool) {
        let abandoned = match &job.sink {
            Sink::Cell(_) => 1,
            Sink::Chunk(chunk) => chunk.unanswered() as usize,
        };
        if error.is_pool_closed() {
            self.tally.abandoned += abandoned;
        }
        self.effects.release(job.call.args);
        match job.sink {
            Sink::Cell(cell) => self.effects.finish.push((cell, Err(Box::new(error)))),
            Sink::Chunk(chunk) => {
                match timed_out {
                    // The one that it runs; it had told of those before it.
                    true => chunk.condemn(error),
                    false => chunk.fail_rest(error),
                }
                self.effects.wake(chunk.intake());
            }
        }
    }

    pub(super) fn dispatch_items(&mut self, worker: WorkerId, task: TaskId, ticket: Ticket) {
        let Some(entry) = self.workers.get_mut(&worker) else {
            return;
        };
        let (Some(link), Some(job)) = (&entry.link, self.scheduler.payload_mut(task)) else {
            return;
        };
        let Sink::Chunk(chunk) = &job.sink else {
            return;
        };
        let (count, items) = chunk.send();
        link.offer_items(&RunItems {
            ticket,
            entry: job.call.offsets.entry,
            function: job.call.offsets.function,
            limits: job.limits(),
            clocked: chunk.is_clocked(),
            count,
            column: chunk.column(),
            items: items.into(),
        });
        self.effects.flush(link);
        entry.dispatch(ticket, task, Some(Arc::clone(chunk)));
    }

    /// Takes back what a worker has not begun of a task, or half of it, and answers the scheduler.
    pub(super) fn shorten(
        &mut self,
        now: Instant,
        worker: WorkerId,
        task: TaskId,
        ticket: Ticket,
        all: bool,
    ) {
        let entry = self.workers.get(&worker);
        let held = entry.and_then(|entry| {
            let chunk = entry.chunk(ticket)?;
            let page = entry.link.as_ref()?.page();
            let keep = |left| if all { 0 } else { left / 2 };
            let counts = page.take_back_items(usize::from(ticket.slot), keep);
            Some((Arc::clone(chunk), counts.allowed))
        });
        match held {
            Some((chunk, allowed)) => {
                self.divide(now, task, &chunk, allowed);
            }
            None => {
                self.scheduler.handle_shortened(now, task, 1, None);
            }
        }
    }

    /// Before a worker ends, or is asked to give up: what it has not begun runs elsewhere, if anybody
    /// waits for it.
    pub(super) fn save_items(&mut self, now: Instant, worker: WorkerId) {
        for (ticket, task, chunk) in self.held(worker) {
            let Some(link) = self.link(worker) else {
                return;
            };
            let counts = link.page().take_back_items(usize::from(ticket.slot), |_| 0);
            self.divide(now, task, &chunk, counts.allowed);
        }
    }

    fn divide(&mut self, now: Instant, task: TaskId, chunk: &Arc<Chunk>, allowed: u32) {
        let rest = chunk.shorten(allowed);
        let wanted = rest.as_ref().filter(|_| !chunk.intake().is_closed());
        let job = wanted.map(|rest| (rest.count, Chunk::job(&rest.chunk)));
        let left = chunk.sent();
        let name = self.scheduler.handle_shortened(now, task, left, job);
        if let (Some(name), Some(rest)) = (name, &rest) {
            chunk.divided(rest, name);
            self.effects.wake(chunk.intake());
        }
    }

    /// The worker is gone, and all that it told is handled: what it is done with is not charged with
    /// its end.
    pub(super) fn finish_told(&mut self, now: Instant, worker: WorkerId) {
        for (ticket, _, chunk) in self.held(worker) {
            if chunk.is_received() {
                let ran = Duration::ZERO;
                let outcome = Outcome::Returned(Payload::default());
                self.handle_finished(
                    now,
                    worker,
                    Finished {
                        ticket,
                        ran,
                        worn: false,
                        outcome,
                    },
                );
                self.perform(now);
            }
        }
    }

    /// The worker is gone, and its tasks have their ends, but for what it was to tell of items before
    /// those that it was killed for.
    pub(super) fn bereave_items(&mut self, worker: WorkerId, ending: &Ending) {
        for (_, _, chunk) in self.held(worker) {
            let error = match ending {
                Ending::Exited(exit) => TaskError::WorkerExited(exit.clone()),
                Ending::NotStarted(error) => TaskError::WorkerStart(error.clone()),
            };
            chunk.bereave(error);
            self.effects.wake(chunk.intake());
        }
    }

    /// So many more items of a stream are wanted.
    pub(crate) fn allow_items(&mut self, task: TaskId, more: u32) {
        let Some((link, ticket, chunk)) = self.sent_stream(task) else {
            return;
        };
        chunk.allow(more);
        if link.page().allow_items(usize::from(ticket.slot), more) {
            link.push_resume();
            self.effects.flush(&link);
        }
    }

    /// No more items of a stream are wanted. A worker that has told of all that it has begun waits, or is about
    /// to look; any other is killed.
    pub(crate) fn leave_stream(&mut self, now: Instant, task: TaskId) {
        if let Some((link, ticket, chunk)) = self.sent_stream(task)
            && matches!(link.standing(ticket), Standing::Running { .. })
        {
            let page = link.page();
            let counts = page.take_back_items(usize::from(ticket.slot), |_| 0);
            page.request_cancel(ticket.number);
            if chunk.has_told(counts.begun) {
                link.push_resume();
                return self.effects.flush(&link);
            }
        }
        self.scheduler.handle_cancel(now, task);
    }

    fn sent_stream(&self, task: TaskId) -> Option<(Arc<Link>, Ticket, Arc<Chunk>)> {
        let Phase::Sent {
            worker,
            slot,
            ticket: number,
        } = self.scheduler.state(task)
        else {
            return None;
        };
        let ticket = Ticket { slot, number };
        let entry = self.workers.get(&worker)?;
        Some((
            Arc::clone(entry.link.as_ref()?),
            ticket,
            Arc::clone(entry.chunk(ticket)?),
        ))
    }

    fn held(&self, worker: WorkerId) -> Vec<Held> {
        let entry = self.workers.get(&worker);
        entry.map_or_else(Vec::new, |entry| entry.held())
    }
}
