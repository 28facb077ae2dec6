//! The runtime task that sees one worker through, from its spawn until it is reaped.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use procpool_scheduler::WorkerId;

use crate::driver::alarm::delay;
use crate::driver::cgroup::Cgroup;
use crate::driver::core::Core;
use crate::driver::handshake::{Unready, shake_hands};
use crate::driver::incoming::{Incoming, Received};
use crate::driver::kill_switch::KillSwitch;
use crate::driver::launch::{Launched, launch};
use crate::driver::leader::Leader;
use crate::driver::link::Link;
use crate::driver::memory_watch;
use crate::driver::reader::Reader;
use crate::driver::state::Ending;
use crate::error::{ExitCause, WorkerStartError};
use crate::soon::Speaker;

/// How long a worker may live on after it has closed its socket.
const HANGUP_GRACE: Duration = Duration::from_secs(1);

/// Sees one worker through. If it is dropped before the worker's end, the runtime is stopping, and
/// the pool ends here and now.
struct Supervisor {
    core: Arc<Core>,
    worker: WorkerId,
    switch: Arc<KillSwitch>,
    has_ended: bool,
}

/// Begins the life of a worker, as a task of the pool's runtime.
pub(crate) fn supervise(core: Arc<Core>, worker: WorkerId, switch: Arc<KillSwitch>) {
    let runtime = core.runtime().clone();
    runtime.spawn(Supervisor::new(core, worker, switch).run());
}

impl Supervisor {
    fn new(core: Arc<Core>, worker: WorkerId, switch: Arc<KillSwitch>) -> Self {
        Supervisor {
            core,
            worker,
            switch,
            has_ended: false,
        }
    }

    async fn run(mut self) {
        let ending = match launch(&self.core, self.worker, &self.switch).await {
            Ok(launched) => self.see_through(launched).await,
            Err(error) => Ending::NotStarted(WorkerStartError::spawn(error)),
        };
        if let Ending::NotStarted(error) = &ending {
            let cause = error.source().map(tracing::field::display);
            tracing::warn!(pool = self.core.name(), %error, cause, "procpool: no worker started");
        }
        self.end(ending);
    }

    async fn see_through(&self, launched: Launched) -> Ending {
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
        let exit = reaped.exit(cause, &outputs.finish());
        if !self.switch.is_pulled() && exit.code() != Some(0) {
            tracing::warn!(pool = self.core.name(), %exit, "procpool: a worker died");
        }
        match lived {
            Ok(()) => Ending::Exited(exit),
            Err(Unready::Refused(refusal)) => {
                Ending::NotStarted(WorkerStartError::refused(refusal))
            }
            Err(Unready::Protocol(what)) => Ending::NotStarted(WorkerStartError::protocol(what)),
            Err(Unready::Silent) => Ending::NotStarted(WorkerStartError::exited(exit)),
            Err(Unready::TooSlow) => {
                let limit = self.core.startup_timeout();
                Ending::NotStarted(WorkerStartError::timed_out(limit))
            }
        }
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
            state.handle_ready(now, self.worker, Arc::clone(link), speaker);
        });
        let limit = self.core.limits().own_memory();
        tokio::select! {
            () = self.serve(leader, &reader) => return Ok(()),
            limit = memory_watch::exceeds(leader.pid(), limit) => self.core.with(|state, now| {
                state.handle_overgrown(now, self.worker, limit);
            }),
        }
        self.serve(leader, &reader).await;
        Ok(())
    }

    /// Handles what the worker sends, until its process has ended and all that it sent is handled.
    async fn serve(&self, leader: &Leader, reader: &Reader) {
        let link = reader.link();
        loop {
            tokio::select! {
                () = link.readable() => match reader.receive() {
                    Received::Nothing => {}
                    Received::Bytes(_) => tokio::task::yield_now().await,
                    Received::End => break,
                },
                () = link.write_blocked() => tokio::task::yield_now().await,
                () = link.has_notices() => link.tell_notices(),
                () = link.collect_requested() => reader.collect(),
                () = leader.ended() => {
                    reader.receive_last();
                    return;
                }
            }
        }
        // A process that exits closes its end a moment before it has ended. One that does not exit
        // is of no more use.
        tokio::select! {
            () = leader.ended() => {}
            waited = delay(HANGUP_GRACE) => {
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

    fn end(&mut self, ending: Ending) {
        self.has_ended = true;
        self.core
            .with(|state, now| state.handle_ended(now, self.worker, ending));
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if !self.has_ended {
            self.core.terminate();
            self.switch.finish();
            // Its tasks have got their errors by now; this only strikes the worker off.
            let error = std::io::Error::other("the runtime has stopped");
            self.end(Ending::NotStarted(WorkerStartError::spawn(error)));
        }
    }
}
