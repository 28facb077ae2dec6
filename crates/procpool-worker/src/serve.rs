//! The loop of a worker: one task after another, until the parent says stop.

use std::io;
use std::time::Duration;

use procpool_os::control::monotonic_now;
use procpool_os::{CallOffsets, ControlPage, MatchedImage};
use procpool_wire::{Command, DispatchId, Finished, Limits, Outcome, Preparation, Run, RunItems};

use crate::call::{CallContext, CallResult, wrong_entry};
use crate::channel::{Inbox, Outbox};
use crate::items::ItemRun;
use crate::limiter::Limiter;
use crate::spin_wait::CommandWait;
use crate::start::run_broadcast;
use crate::{panic, worker};

/// Runs tasks until the parent sends `Stop` or closes its end.
///
/// The result of a task is in the outbox before the next one is claimed, and results in the outbox reach the parent
/// even if this process is killed. So a killed worker has at most one claimed task without an answer: the one that was
/// running.
pub(crate) fn serve(mut inbox: Inbox, mut server: Server<'_>) -> io::Result<()> {
    loop {
        server.run_small_tasks(&mut inbox)?;
        let command = match inbox.next()? {
            Some(command) => Some(command),
            None => server.wait(&mut inbox)?,
        };
        match command {
            Some(Command::Run(run)) => server.run_task(run)?,
            Some(Command::RunItems(run)) => server.run_items(&run, &mut inbox)?,
            Some(Command::Broadcast(broadcast)) => server.run_broadcast(broadcast)?,
            Some(Command::Stop) => return server.stop(),
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

/// A worker that is ready to run tasks.
#[derive(Debug)]
pub(crate) struct Server<'a> {
    outbox: &'a Outbox,
    image: MatchedImage,
    limiter: Limiter,
    call: CallContext,
    wait: CommandWait,
    /// When the last task ended, if nothing since may have blocked. It saves the next task a reading of the clock.
    last_ended: Option<Duration>,
}

impl<'a> Server<'a> {
    pub(crate) fn new(
        outbox: &'a Outbox,
        page: &'static ControlPage,
        image: MatchedImage,
        limiter: Limiter,
        call: CallContext,
    ) -> Self {
        Server {
            outbox,
            image,
            limiter,
            call,
            wait: CommandWait::new(page),
            last_ended: None,
        }
    }

    /// Runs the tasks with small arguments that have arrived, up to the first other command.
    fn run_small_tasks(&mut self, inbox: &mut Inbox) -> io::Result<()> {
        while let Some(run) = inbox.next_small(self.call.args_mut()) {
            let started = self.start_time();
            if worker::claim(run.dispatch_id, started) {
                self.call.begin_with_args();
                self.run_claimed(run, started)?;
            }
        }
        Ok(())
    }

    /// Runs one task.
    fn run_task(&mut self, run: Run) -> io::Result<()> {
        let started = self.start_time();
        if !worker::claim(run.dispatch_id, started) {
            return Ok(());
        }
        let task = run.with_args(());
        self.call.begin(run.args);
        self.run_claimed(task, started)
    }

    /// Runs a claimed task, whose arguments the call has.
    fn run_claimed(&mut self, run: Run<()>, started: Duration) -> io::Result<()> {
        let offsets = CallOffsets::from_words([run.entry, run.function]);
        self.limiter.begin(run.limits)?;
        if let Err(error) = self.image.call(offsets, &mut self.call) {
            self.call.refuse(error.to_string());
        }
        self.end_run(run.dispatch_id, run.limits, started)
    }

    /// Runs several items. The result of each is in the outbox before the next one is claimed.
    fn run_items(&mut self, run: &RunItems, inbox: &mut Inbox) -> io::Result<()> {
        let mut started = self.start_time();
        if !worker::claim(run.dispatch_id, started) {
            return Ok(());
        }
        let mut items = ItemRun::begin(run, started, self.outbox, self.call.take_state())?;
        if self.outbox.take_has_written() {
            // Results of earlier tasks were sent.
            started = monotonic_now();
            worker::restart_clock();
        }
        self.limiter.begin(run.limits)?;
        let failure = self.run_claimed_items(run, &mut items, inbox)?;
        self.call.end_items(items.end()?, failure);
        self.end_run(run.dispatch_id, run.limits, started)
    }

    /// Runs the items that can be claimed. Returns why they could not be run, if they could not.
    fn run_claimed_items(
        &mut self,
        run: &RunItems,
        items: &mut ItemRun,
        inbox: &mut Inbox,
    ) -> io::Result<Option<Outcome>> {
        let offsets = CallOffsets::from_words([run.entry, run.function]);
        worker::set_runs_items(true);
        let called = self.image.call(offsets, items);
        items.run_stream(inbox)?;
        worker::set_runs_items(false);
        Ok(match called {
            Ok(()) if items.has_run() => None,
            Ok(()) => Some(wrong_entry()),
            Err(error) => Some(Outcome::NoSuchFunction(error.to_string())),
        })
    }

    /// Ends the run of a task: its time limit first, then its result is told.
    fn end_run(
        &mut self,
        dispatch_id: DispatchId,
        limits: Limits,
        started: Duration,
    ) -> io::Result<()> {
        self.limiter.end(limits)?;
        let ended = monotonic_now();
        let ran = ended.saturating_sub(started);
        worker::release();
        if self.wait.is_taken(|| self.outbox.position()) {
            self.outbox.note_taken();
        }
        self.push_result(dispatch_id, ran)?;
        self.outbox.flush_in_time(ran, ended)?;
        self.last_ended = (!self.outbox.take_has_written()).then_some(ended);
        Ok(())
    }

    /// Puts the result of the last call into the outbox.
    fn push_result(&mut self, dispatch_id: DispatchId, ran: Duration) -> io::Result<()> {
        let finished = Finished {
            dispatch_id,
            ran,
            needs_recycle: self.limiter.needs_recycle(),
            outcome: (),
        };
        match self.call.result() {
            Some(CallResult::Small(result)) => {
                self.wait.note_result(result.len());
                self.outbox.push_small(finished.with_outcome(result))
            }
            Some(CallResult::Payload(result)) => {
                self.wait.note_result(result.len());
                self.outbox.push_returned(finished.with_outcome(result))?;
                self.call.drop_result();
                Ok(())
            }
            None => {
                let outcome = self.call.take_failure();
                self.outbox.push_finished(&finished.with_outcome(outcome))
            }
        }
    }

    /// Runs a function that every worker runs once.
    fn run_broadcast(&mut self, broadcast: Preparation) -> io::Result<()> {
        self.last_ended = None;
        panic::broadcast_begins();
        let refusal = run_broadcast(broadcast, &self.image, &mut self.call);
        panic::worker_is_ready();
        self.outbox.send_broadcast_ended(&refusal)
    }

    fn wait(&mut self, inbox: &mut Inbox) -> io::Result<Option<Command>> {
        self.last_ended = None;
        self.wait.receive(inbox, self.outbox)
    }

    fn stop(mut self) -> io::Result<()> {
        self.outbox.flush()?;
        self.call.drop_state();
        Ok(())
    }

    /// When a task starts that is claimed now.
    #[inline]
    fn start_time(&mut self) -> Duration {
        self.last_ended.take().unwrap_or_else(monotonic_now)
    }
}

#[cfg(test)]
mod tests;
