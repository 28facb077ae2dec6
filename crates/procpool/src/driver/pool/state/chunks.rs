//! Chunks of a map: results of their items, and items that move to another worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use procpool_scheduler::{RunState, TaskId, TaskState as Phase, WorkerId};
use procpool_wire::{DispatchId, Finished, ItemFrames, Outcome, Payload, RunItems};

use super::pool_state::State;
use super::settle::end;
use crate::driver::maps::chunk::Chunk;
use crate::driver::pool::ending::Ending;
use crate::driver::pool::job::{Job, Sink};
use crate::driver::transport::link::Link;
use crate::error::TaskError;
use crate::task::cell::TaskEnd;

/// A chunk that a worker was sent and has not finished.
pub(crate) type Held = (DispatchId, TaskId, Arc<Chunk>);

impl State {
    /// Handles that the next results of a worker belong to this chunk.
    pub(crate) fn handle_items_began(
        &mut self,
        now: Instant,
        worker: WorkerId,
        dispatch_id: DispatchId,
    ) {
        let entry = self.workers.get_mut(&worker);
        if !entry.is_some_and(|entry| entry.open(dispatch_id)) {
            self.handle_faulty(now, worker, "it began items that it was not given");
        }
    }

    /// Handles the results of the next items of a worker's chunk.
    pub(crate) fn handle_items(&mut self, now: Instant, worker: WorkerId, frames: ItemFrames) {
        self.handle_chunk_event(now, worker, |chunk| chunk.returned(frames));
    }

    /// Handles the error of the next item of a worker's chunk.
    pub(crate) fn handle_item_failed(&mut self, now: Instant, worker: WorkerId, why: Outcome) {
        self.handle_chunk_event(now, worker, |chunk| match end(why) {
            Err(error) => chunk.failed(*error),
            Ok(_) => false,
        });
    }

    fn handle_chunk_event(
        &mut self,
        now: Instant,
        worker: WorkerId,
        handle: impl FnOnce(&Arc<Chunk>) -> bool,
    ) {
        let entry = self.workers.get(&worker);
        let handled = entry.and_then(|entry| entry.opened()).is_some_and(|chunk| {
            self.effects.wake(chunk.sink());
            handle(chunk)
        });
        if !handled {
            self.handle_faulty(now, worker, "it answered an item that it was not given");
        }
    }

    /// Handles that a worker has finished a chunk.
    pub(super) fn settle_chunk(&mut self, chunk: &Arc<Chunk>, ran: Duration, end: TaskEnd) {
        match end {
            Ok(_) => chunk.ran(ran),
            Err(error) => chunk.fail_rest(*error),
        }
        self.effects.wake(chunk.sink());
    }

    /// Ends a chunk with an error that the scheduler has decided.
    pub(super) fn fail_chunk(&mut self, chunk: &Arc<Chunk>, error: TaskError, timed_out: bool) {
        match timed_out {
            // Only the running item has timed out. The worker has already sent the results of the items before it, or put them into the
            // spool.
            true => chunk.mark_for_kill(error),
            false => chunk.fail_rest(error),
        }
        self.effects.wake(chunk.sink());
    }

    pub(super) fn dispatch_items(
        &mut self,
        worker: WorkerId,
        task: TaskId,
        dispatch_id: DispatchId,
    ) {
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
        let [entry_word, function_word] = job.call.offsets.to_words();
        link.offer_items(&RunItems {
            dispatch_id,
            entry: entry_word,
            function: function_word,
            limits: job.limits(),
            clocked: chunk.is_clocked(),
            count,
            column: chunk.column(),
            items: items.into(),
        });
        self.effects.flush(link);
        entry.dispatch(dispatch_id, task, Some(Arc::clone(chunk)));
    }

    /// Takes back the items that a worker has not started, or half of them, and reports that to the scheduler.
    pub(super) fn split(
        &mut self,
        now: Instant,
        worker: WorkerId,
        task: TaskId,
        dispatch_id: DispatchId,
        all: bool,
    ) {
        let entry = self.workers.get(&worker);
        let held = entry.and_then(|entry| {
            let chunk = entry.chunk(dispatch_id)?;
            let page = entry.link.as_ref()?.page();
            let keep = |left| if all { 0 } else { left / 2 };
            let counts = page.take_back_items(usize::from(dispatch_id.slot), keep);
            Some((Arc::clone(chunk), counts.allowed))
        });
        match held {
            Some((chunk, allowed)) => {
                self.split_off(now, task, &chunk, allowed);
            }
            None => {
                self.scheduler.handle_split(now, task, 1, None);
            }
        }
    }

    /// Takes back the items that a worker has not started, before the worker ends or is asked to cancel. They run on another worker, unless
    /// the map was dropped.
    pub(super) fn save_items(&mut self, now: Instant, worker: WorkerId) {
        for (dispatch_id, task, chunk) in self.held(worker) {
            let Some(link) = self.link(worker) else {
                return;
            };
            let counts = link
                .page()
                .take_back_items(usize::from(dispatch_id.slot), |_| 0);
            self.split_off(now, task, &chunk, counts.allowed);
        }
    }

    fn split_off(&mut self, now: Instant, task: TaskId, chunk: &Arc<Chunk>, allowed: u32) {
        let rest = chunk.split(allowed);
        let wanted = rest.as_ref().filter(|_| !chunk.sink().is_closed());
        let job = wanted.map(|rest| (rest.count, Job::of_chunk(&rest.chunk)));
        let left = chunk.sent();
        let name = self.scheduler.handle_split(now, task, left, job);
        if let (Some(name), Some(rest)) = (name, &rest) {
            chunk.was_split(rest, name);
            self.effects.wake(chunk.sink());
        }
    }

    /// Finishes the chunks whose results a dead worker has all sent, so that they do not count as interrupted. The caller has handled all
    /// events of the worker.
    pub(super) fn finish_received(&mut self, now: Instant, worker: WorkerId) {
        for (dispatch_id, _, chunk) in self.held(worker) {
            if chunk.is_received() {
                let ran = Duration::ZERO;
                let outcome = Outcome::Returned(Payload::default());
                self.handle_finished(
                    now,
                    worker,
                    Finished {
                        dispatch_id,
                        ran,
                        needs_recycle: false,
                        outcome,
                    },
                );
                self.perform(now);
            }
        }
    }

    /// Fails the items whose results were missing when the pool killed the worker because of a later item. The caller has handled the
    /// worker's exit.
    pub(super) fn fail_items_on_exit(&mut self, worker: WorkerId, ending: &Ending) {
        for (_, _, chunk) in self.held(worker) {
            let error = match ending {
                Ending::Exited(exit) => TaskError::WorkerExited(exit.clone()),
                Ending::NotStarted(error) => TaskError::WorkerStart(error.clone()),
            };
            chunk.fail_on_worker_exit(error);
            self.effects.wake(chunk.sink());
        }
    }

    /// Lets a stream produce `more` further items.
    pub(crate) fn allow_items(&mut self, task: TaskId, more: u32) {
        let Some((link, dispatch_id, chunk)) = self.sent_stream(task) else {
            return;
        };
        chunk.allow(more);
        if link.page().allow_items(usize::from(dispatch_id.slot), more) {
            link.push_resume();
            self.effects.flush(&link);
        }
    }

    /// Ends a stream whose consumer was dropped. If the worker has sent all items that it has started, it waits until it may produce more,
    /// or soon will: then a message ends the stream. Otherwise the worker is killed.
    pub(crate) fn leave_stream(&mut self, now: Instant, task: TaskId) {
        if let Some((link, dispatch_id, chunk)) = self.sent_stream(task)
            && matches!(link.run_state(dispatch_id), RunState::Running { .. })
        {
            let page = link.page();
            let counts = page.take_back_items(usize::from(dispatch_id.slot), |_| 0);
            page.request_cancel(dispatch_id.number);
            if chunk.has_sent(counts.begun) {
                link.push_resume();
                return self.effects.flush(&link);
            }
        }
        self.scheduler.handle_cancel(now, task);
    }

    fn sent_stream(&self, task: TaskId) -> Option<(Arc<Link>, DispatchId, Arc<Chunk>)> {
        let Phase::Sent {
            worker,
            slot,
            dispatch_id: number,
        } = self.scheduler.state(task)
        else {
            return None;
        };
        let dispatch_id = DispatchId { slot, number };
        let entry = self.workers.get(&worker)?;
        Some((
            Arc::clone(entry.link.as_ref()?),
            dispatch_id,
            Arc::clone(entry.chunk(dispatch_id)?),
        ))
    }

    fn held(&self, worker: WorkerId) -> Vec<Held> {
        let entry = self.workers.get(&worker);
        entry.map_or_else(Vec::new, |entry| entry.held())
    }
}
