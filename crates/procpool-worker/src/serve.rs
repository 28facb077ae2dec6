//! The loop of a worker: one task after another, until the parent says stop.

use std::io;
use std::mem;
use std::time::Duration;

use procpool_os::control::monotonic_now;
use procpool_os::{CallOffsets, MatchedImage};
use procpool_wire::{Command, DispatchId, Finished, Outcome, Run, RunItems};

use crate::call::{CallContext, CallResult, wrong_entry};
use crate::channel::Inbox;
use crate::channel::Outbox;
use crate::channel::{AWAITED, HELD_BACK, WORTH_A_WRITE};
use crate::items::ItemRun;
use crate::limiter::Limiter;
use crate::spin_wait::{Spinner, spin, until_copied};
use crate::start::run_broadcast;
use crate::{panic, worker};

/// Runs tasks until the parent sends `Stop` or closes its end.
///
/// The result of a task is in the outbox before the next one is claimed, and what is in there reaches the
/// parent whatever becomes of this process. So if it is killed, at most one task is claimed and
/// unanswered, and that is the one that was running.
pub(crate) fn serve(
    mut inbox: Inbox,
    outbox: &Outbox,
    image: &MatchedImage,
    limiter: Limiter,
    call: CallContext,
) -> io::Result<()> {
    let mut server = Server {
        outbox,
        image,
        limiter,
        call,
        held_since: None,
        spinner: Spinner::default(),
        result_len: 0,
        has_waited: false,
    };
    // When the last task ended, if nothing since may have blocked. It saves the next task a reading of the clock.
    let mut ended = None;
    loop {
        while let Some(run) = inbox.next_small(server.call.args_mut()) {
            let now = ended.take().unwrap_or_else(monotonic_now);
            if worker::claim(run.dispatch_id, now) {
                server.call.begin_with_args();
                ended = server.perform(run, now)?;
            }
        }
        let command = match inbox.next()? {
            Some(command) => Some(command),
            None => {
                ended = None;
                server.wait(&mut inbox)?
            }
        };
        match command {
            Some(Command::Run(run)) => {
                let now = ended.take().unwrap_or_else(monotonic_now);
                if worker::claim(run.dispatch_id, now) {
                    let task = run.with_args(());
                    server.call.begin(run.args);
                    ended = server.perform(task, now)?;
                }
            }
            Some(Command::RunItems(run)) => {
                let now = ended.take().unwrap_or_else(monotonic_now);
                if worker::claim(run.dispatch_id, now) {
                    ended = server.perform_items(&run, now, &mut inbox)?;
                }
            }
            Some(Command::Broadcast(broadcast)) => {
                ended = None;
                panic::broadcast_begins();
                let refusal = run_broadcast(broadcast, image, &mut server.call);
                panic::worker_is_ready();
                outbox.send_broadcast_ended(&refusal)?;
            }
            Some(Command::Flush) => {
                ended = None;
                server.flush()?;
            }
            Some(Command::Stop) => {
                server.flush()?;
                server.call.drop_state();
                return Ok(());
            }
            None => return Ok(()),
            Some(
                Command::Start(_) | Command::Initialize(_) | Command::Resume | Command::Segments(_),
            ) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the parent started this worker twice",
                ));
            }
        }
    }
}

struct Server<'a> {
    outbox: &'a Outbox,
    image: &'a MatchedImage,
    limiter: Limiter,
    call: CallContext,
    /// When the first of the results ended that are held back.
    held_since: Option<Duration>,
    spinner: Spinner,
    /// Of the last result.
    result_len: usize,
    /// It has waited for a command since it is ready.
    has_waited: bool,
}

impl Server<'_> {
    /// Runs a claimed task, whose arguments the call has. Returns when it ended, unless time may have passed since.
    fn perform(&mut self, run: Run<()>, started: Duration) -> io::Result<Option<Duration>> {
        let offsets = CallOffsets::from_words([run.entry, run.function]);
        self.limiter.begin(run.limits)?;
        if let Err(error) = self.image.call(offsets, &mut self.call) {
            self.call.refuse(error.to_string());
        }
        self.limiter.end(run.limits)?;
        let ended = monotonic_now();
        let ran = ended.saturating_sub(started);
        worker::release();
        self.tell(run.dispatch_id, ran, ended)
    }

    /// Each item's result is in the outbox before the next one is claimed, and all before the next task.
    fn perform_items(
        &mut self,
        run: &RunItems,
        mut started: Duration,
        inbox: &mut Inbox,
    ) -> io::Result<Option<Duration>> {
        let offsets = CallOffsets::from_words([run.entry, run.function]);
        let state = self.call.take_state();
        let mut items = ItemRun::begin(run, started, self.outbox, state)?;
        if self.outbox.take_has_written() {
            // Results of earlier tasks were sent.
            started = monotonic_now();
            worker::restart_clock();
        }
        self.limiter.begin(run.limits)?;
        worker::set_runs_items(true);
        let called = self.image.call(offsets, &mut items);
        items.run_stream(inbox)?;
        worker::set_runs_items(false);
        self.limiter.end(run.limits)?;
        let failure = match called {
            Ok(()) if items.has_run() => None,
            Ok(()) => Some(wrong_entry()),
            Err(error) => Some(Outcome::NoSuchFunction(error.to_string())),
        };
        self.call.end_items(items.end()?, failure);
        let ended = monotonic_now();
        let ran = ended.saturating_sub(started);
        worker::release();
        self.tell(run.dispatch_id, ran, ended)
    }

    /// Tells the parent of the end of a task. Returns when that was, unless time may have passed since.
    fn tell(
        &mut self,
        dispatch_id: DispatchId,
        ran: Duration,
        ended: Duration,
    ) -> io::Result<Option<Duration>> {
        let needs_recycle = self.limiter.is_worn();
        // What the parent has taken from memory is not held back.
        if worker::is_awaited() && worker::taken() >= self.outbox.position() {
            self.held_since = None;
        }
        let finished = Finished {
            dispatch_id,
            ran,
            needs_recycle,
            outcome: (),
        };
        match self.call.result() {
            Some(result) => {
                self.result_len = result.len();
                match result {
                    CallResult::Small(result) => {
                        self.outbox.push_small(finished.with_outcome(result))?;
                    }
                    CallResult::Payload(result) => {
                        self.outbox.push_returned(finished.with_outcome(result))?;
                        self.call.drop_result();
                    }
                }
            }
            None => {
                let outcome = self.call.take_failure();
                self.outbox.push_finished(&finished.with_outcome(outcome))?;
            }
        }
        let since = *self.held_since.get_or_insert(ended);
        if ran >= WORTH_A_WRITE || ended.saturating_sub(since) >= HELD_BACK {
            self.flush()?;
        }
        Ok((!self.outbox.take_has_written()).then_some(ended))
    }

    /// Waits for a command, asleep or, if that pays and the parent lets it, awake at first.
    fn wait(&mut self, inbox: &mut Inbox) -> io::Result<Option<Command>> {
        let limit = worker::may_listen();
        if limit.is_zero() {
            self.flush()?;
            return inbox.receive();
        }
        let limit = limit + until_copied(self.result_len);
        if !self.spinner.begin() {
            self.flush()?;
            let began = monotonic_now();
            let received = inbox.receive();
            self.spinner
                .slept(monotonic_now().saturating_sub(began), limit);
            return received;
        }
        // Who is awake takes it from memory, which saves this process the system call and the other a wake-up.
        let told = self.outbox.position();
        let mut is_held = worker::is_awaited();
        if !is_held {
            self.flush()?;
        }
        // What was written up to now has been read, or is at the first ring.
        let mut rings = worker::rings();
        let mut received = inbox.receive_nowait();
        worker::set_listening(true);
        let how = spin(limit, monotonic_now, |since| {
            if is_held && worker::taken() < told && (since >= AWAITED || !worker::is_awaited()) {
                is_held = false;
                if let Err(error) = self.flush() {
                    received = Err(error);
                }
            }
            if matches!(received, Ok(None)) && (worker::rings() != rings || inbox.has_begun()) {
                rings = worker::rings();
                received = inbox.receive_nowait();
            }
            !matches!(received, Ok(None))
        });
        worker::set_listening(false);
        // That the first one takes long, while others start as well, says nothing of those to come.
        if mem::replace(&mut self.has_waited, true) {
            self.spinner.spun(how);
        }
        match received {
            Ok(None) => {
                self.flush()?;
                inbox.receive()
            }
            received => received,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.held_since = None;
        self.outbox.flush()
    }
}

#[cfg(test)]
mod tests;
