//! The runtime task that sees one worker through, from its spawn until it is reaped.

use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use procpool_scheduler::WorkerId;
use tokio::task::JoinSet;

use crate::driver::pool::core::Core;
use crate::driver::pool::state::Ending;
use crate::driver::process::cgroup::Cgroup;
use crate::driver::process::child_process::Leader;
use crate::driver::process::kill_switch::KillSwitch;
use crate::driver::process::memory_watch;
use crate::driver::transport::incoming::Incoming;
use crate::driver::transport::link::Link;
use crate::driver::wait::alarm::delay;
use crate::driver::worker::handshake::{Unready, shake_hands};
use crate::driver::worker::reader::Reader;
use crate::driver::worker::spawn::{Launched, Newborn, launch};
use crate::error::{ExitCause, WorkerStartError};
use crate::output::Outputs;
use crate::soon::Speaker;

/// How long it takes a worker that exits to have ended, after it has closed its socket, as a rule.
const USUAL_EXIT: Duration = Duration::from_micros(100);

/// How long a worker may live on after it has closed its socket.
const HANGUP_GRACE: Duration = Duration::from_secs(1);

/// Sees one worker through. If it is dropped before the worker's end, the runtime is stopping, and
/// the pool ends here and now.
struct Supervisor {
    core: Arc<Core>,
    worker: WorkerId,
    switch: Arc<KillSwitch>,
    is_forgotten: bool,
}

/// Begins the life of a worker, as a task of the pool's runtime.
///
/// Where that task would have to wait for a thread of the runtime to wake up, and that is outside of its
/// tasks, the worker is started here and now. Only the first of several is: the caller is not to be
/// kept for more than the 100 µs that one takes.
pub(crate) fn supervise(
    core: Arc<Core>,
    worker: WorkerId,
    switch: Arc<KillSwitch>,
    is_first: bool,
) {
    let is_urgent = is_first && tokio::task::try_id().is_none();
    let newborn = is_urgent.then(|| launch(&core, worker));
    begin(core, worker, switch, newborn);
}

fn begin(
    core: Arc<Core>,
    worker: WorkerId,
    switch: Arc<KillSwitch>,
    newborn: Option<io::Result<Newborn>>,
) {
    let runtime = core.runtime().clone();
    runtime.spawn(Supervisor::new(core, worker, switch).run(newborn));
}

/// Workers that are to live since another has ended. Their lives begin when this is dropped.
struct Newcomers {
    core: Arc<Core>,
    of: Vec<(WorkerId, Arc<KillSwitch>)>,
    first: Option<Newborn>,
}

impl Newcomers {
    /// Starts the process of the first one. If that fails it is tried again when its life begins: what it lacks
    /// may be what the one that has ended still has.
    fn start_first(&mut self) {
        if let Some(&(worker, _)) = self.of.first() {
            self.first = launch(&self.core, worker).ok();
        }
    }
}

impl Drop for Newcomers {
    fn drop(&mut self) {
        for (worker, switch) in self.of.drain(..) {
            let newborn = self.first.take().map(Ok);
            begin(Arc::clone(&self.core), worker, switch, newborn);
        }
    }
}

impl Supervisor {
    fn new(core: Arc<Core>, worker: WorkerId, switch: Arc<KillSwitch>) -> Self {
        Supervisor {
            core,
            worker,
            switch,
            is_forgotten: false,
        }
    }

    async fn run(mut self, newborn: Option<io::Result<Newborn>>) {
        let newborn = newborn.unwrap_or_else(|| launch(&self.core, self.worker));
        let launched = newborn.and_then(|newborn| newborn.watch(&self.core, &self.switch));
        let newcomers = match launched {
            Ok(launched) => {
                let (newcomers, outputs) = self.see_through(launched).await;
                match outputs.has_more() {
                    false => Some(newcomers),
                    true => {
                        // Whoever reads it may be slow, for which nobody else is to wait.
                        drop(newcomers);
                        pass_on(outputs).await;
                        None
                    }
                }
            }
            Err(error) => Some(self.end(Ending::NotStarted(WorkerStartError::spawn(error)))),
        };
        self.switch.finish();
        // By now nothing is left of the worker, and others may have what it had.
        drop(self.core.with(|state, _| state.forget(self.worker)));
        self.is_forgotten = true;
        drop(newcomers);
    }

    /// Ends its life, and gives who is to take its place, and what it has said and nobody has read. What it had is given
    /// back last, since that takes a while.
    async fn see_through(&self, launched: Launched) -> (Newcomers, Outputs) {
        let Launched {
            leader,
            link,
            incoming,
            mut outputs,
            cgroup,
            _lifeline,
        } = launched;
        let lived = async {
            let lived = self.live(&leader, &link, incoming).await;
            (lived, leader.reap().await)
        };
        let (lived, reaped) = tokio::select! {
            lived = lived => lived,
            never = outputs.run() => match never {},
        };
        link.worker().end();
        let fault = self.core.with(|state, _| state.fault(self.worker));
        let cause = fault.or_else(|| self.shortage(cgroup.as_ref()));
        let exit = reaped.exit(cause, &outputs.drain());
        let start_error = leader.start_error();
        if !self.switch.is_pulled() && exit.code() != Some(0) && start_error.is_none() {
            tracing::warn!(pool = self.core.name(), %exit, "procpool: a worker died");
        }
        let mut newcomers = self.end(match lived {
            Ok(()) => Ending::Exited(exit),
            Err(Unready::Refused(refusal)) => {
                Ending::NotStarted(WorkerStartError::refused(refusal))
            }
            Err(Unready::Protocol(what)) => Ending::NotStarted(WorkerStartError::protocol(what)),
            Err(Unready::Silent) => Ending::NotStarted(match start_error {
                Some(error) => WorkerStartError::spawn(error),
                None => WorkerStartError::exited(exit),
            }),
            Err(Unready::TooSlow) => {
                let limit = self.core.startup_timeout();
                Ending::NotStarted(WorkerStartError::timed_out(limit))
            }
        });
        // Who was told goes first, for a start takes longer than that.
        tokio::task::yield_now().await;
        newcomers.start_first();
        (newcomers, outputs)
    }

    /// Whether it was for want of memory in its control group that the kernel ended the worker.
    fn shortage(&self, cgroup: Option<&Cgroup>) -> Option<ExitCause> {
        let limit = self.core.limits().memory?;
        cgroup?
            .ran_out_of_memory()
            .then_some(ExitCause::Memory(limit))
    }

    /// From the handshake until all that is left to do is to wait for the end and reap.
    async fn live(
        &self,
        leader: &Leader,
        link: &Arc<Link>,
        mut incoming: Incoming,
    ) -> Result<(), Unready> {
        self.core.with(|state, now| {
            state.handle_reachable(now, self.worker, Arc::clone(link));
        });
        match shake_hands(leader, link, &mut incoming).await {
            Ok(()) => {}
            // It exits by itself.
            Err(Unready::Refused(refusal)) => return Err(Unready::Refused(refusal)),
            // The kill below pulls the switch too.
            Err(Unready::Silent) if self.switch.is_pulled() => return Err(Unready::TooSlow),
            Err(unready) => {
                leader.kill();
                return Err(unready);
            }
        }
        let reader = Reader::new(&self.core, self.worker, Arc::clone(link), incoming);
        let reader = Arc::new(reader);
        self.core.with(|state, now| {
            let speaker = Arc::clone(&reader) as Arc<dyn Speaker>;
            state.handle_ready(now, self.worker, speaker);
        });
        reader.handle_rest();
        leader.has_started();
        let limit = self.core.limits().own_memory();
        let mut serve = pin!(self.serve(leader, &reader));
        tokio::select! {
            () = &mut serve => return Ok(()),
            limit = memory_watch::exceeds(leader.pid(), limit) => self.core.with(|state, now| {
                state.handle_overgrown(now, self.worker, limit);
            }),
        }
        serve.await;
        Ok(())
    }

    /// Handles what the worker sends, until its process has ended and all that it sent is handled.
    async fn serve(&self, leader: &Leader, reader: &Arc<Reader>) {
        let link = reader.link();
        // It ends with this.
        let mut reading = JoinSet::new();
        reading.spawn(Arc::clone(reader).run());
        loop {
            tokio::select! {
                _ = reading.join_next() => break,
                () = link.write_blocked() => tokio::task::yield_now().await,
                () = link.has_notices() => link.tell_notices(),
                () = link.collect_requested() => reader.collect(),
                () = leader.ended() => {
                    if !reader.receive_last() {
                        reading.join_next().await;
                        reader.receive_last();
                    }
                    return;
                }
            }
        }
        // A process that exits closes its end a moment before it has ended, too short for a timer to be
        // worth while. One that does not exit is of no more use.
        let closed = Instant::now();
        let waited = async {
            while closed.elapsed() < USUAL_EXIT {
                tokio::task::yield_now().await;
            }
            delay(HANGUP_GRACE).await
        };
        tokio::select! {
            () = leader.ended() => {}
            waited = waited => {
                match waited {
                    Ok(()) => self.core.with(|state, now| state.handle_hangup(now, self.worker)),
                    // No descriptor is left to wait with. A kill does not change how a process ends
                    // that is about to exit, so its end is told as what it is.
                    Err(_) => leader.kill(),
                }
                leader.ended().await;
            }
        }
        reader.collect();
    }

    fn end(&self, ending: Ending) -> Newcomers {
        if let Ending::NotStarted(error) = &ending {
            let cause = error.source().map(tracing::field::display);
            tracing::warn!(pool = self.core.name(), %error, cause, "procpool: no worker started");
        }
        let core = Arc::clone(&self.core);
        let of = core.with_newcomers(|state, now| state.handle_ended(now, self.worker, ending));
        Newcomers {
            core,
            of,
            first: None,
        }
    }
}

async fn pass_on(mut outputs: Outputs) {
    tokio::select! {
        () = outputs.pass_on() => {}
        _ = delay(Outputs::PATIENCE) => outputs.give_up(),
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if !self.is_forgotten {
            self.core.terminate();
            self.switch.finish();
            // Its tasks have got their errors by now; this only strikes the worker off.
            let error = std::io::Error::other("the runtime has stopped");
            let ending = Ending::NotStarted(WorkerStartError::spawn(error));
            let entry = self.core.with(|state, now| {
                state.handle_ended(now, self.worker, ending);
                state.forget(self.worker)
            });
            drop(entry);
        }
    }
}
