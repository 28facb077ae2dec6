//! The runtime task that sees one worker through, from its spawn until it is reaped.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use procpool_scheduler::WorkerId;
use procpool_wire::{Event, Segments};

use crate::driver::alarm::delay;
use crate::driver::cgroup::Cgroup;
use crate::driver::channel::Channel;
use crate::driver::core::Core;
use crate::driver::handshake::{Unready, shake_hands};
use crate::driver::incoming::{Incoming, Next, Received};
use crate::driver::kill_switch::KillSwitch;
use crate::driver::launch::{Launched, launch};
use crate::driver::leader::Leader;
use crate::driver::link::Link;
use crate::driver::memory_watch;
use crate::driver::state::{Ending, State};
use crate::error::{ExitCause, WorkerStartError};

/// How many reads are made before other runtime tasks get their turn.
const READS_IN_A_ROW: usize = 16;

/// How many bytes are read before other runtime tasks get their turn: 1 MiB, which takes some tenths of a
/// millisecond.
const BYTES_IN_A_ROW: usize = 1 << 20;

/// How many times as many reads are made at most once the worker has ended: more than a socket can
/// hold, so that only a descendant which goes on writing is cut off.
const LAST_READS: usize = 64;

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
            mut incoming,
            mut outputs,
            cgroup,
            _lifeline,
        } = launched;
        let lived = async {
            let lived = self.live(&leader, &link, &mut incoming).await;
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
        incoming: &mut Incoming,
    ) -> Result<(), Unready> {
        match shake_hands(leader, link, incoming).await {
            Ok(()) => {
                let link = Arc::clone(link);
                self.core
                    .with(|state, now| state.handle_ready(now, self.worker, link));
            }
            // It exits by itself.
            Err(Unready::Refused(refusal)) => return Err(Unready::Refused(refusal)),
            // The kill below pulls the switch too.
            Err(Unready::Silent) if self.switch.is_pulled() => return Err(Unready::TooSlow),
            Err(unready) => {
                leader.kill();
                return Err(unready);
            }
        }
        let limit = self.core.limits().own_memory();
        tokio::select! {
            () = self.serve(leader, link, incoming) => return Ok(()),
            limit = memory_watch::exceeds(leader.pid(), limit) => self.core.with(|state, now| {
                state.handle_overgrown(now, self.worker, limit);
            }),
        }
        self.serve(leader, link, incoming).await;
        Ok(())
    }

    /// Handles what the worker sends, until its process has ended and all that it sent is handled.
    async fn serve(&self, leader: &Leader, link: &Link, incoming: &mut Incoming) {
        loop {
            tokio::select! {
                () = link.readable() => match self.receive(link, incoming, Incoming::receive) {
                    Received::Nothing => {}
                    Received::Bytes(_) => tokio::task::yield_now().await,
                    Received::End => break,
                },
                () = link.write_blocked() => tokio::task::yield_now().await,
                () = link.has_notices() => link.tell_notices(),
                () = link.collect_requested() => self.collect(link, incoming),
                () = leader.ended() => {
                    // A grandchild may hold the socket open: what is there now is all there is.
                    for _ in 0..LAST_READS {
                        let received = self.receive(link, incoming, Incoming::receive_last);
                        if !matches!(received, Received::Bytes(_)) {
                            break;
                        }
                    }
                    self.collect(link, incoming);
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
        self.collect(link, incoming);
    }

    /// Handles what the worker has said and not written to its socket.
    fn collect(&self, link: &Link, incoming: &mut Incoming) {
        if incoming.collect(link.page()) {
            self.handle_events(incoming);
            link.set_received(incoming.position());
        }
    }

    /// Handles what is there, some reads at most. All that one read brings goes through the lock at
    /// once, and what follows from it for the worker goes out in one write.
    fn receive(
        &self,
        link: &Link,
        incoming: &mut Incoming,
        read: fn(&mut Incoming, &Channel) -> io::Result<Received>,
    ) -> Received {
        let mut sum = 0;
        for _ in 0..READS_IN_A_ROW {
            let received = match read(incoming, link.socket()) {
                Ok(received) => received,
                Err(error) => {
                    tracing::error!(%error, "procpool: a worker's socket can't be read");
                    Received::End
                }
            };
            let Received::Bytes(len) = received else {
                return received;
            };
            self.handle_events(incoming);
            link.set_received(incoming.position());
            sum += len;
            if sum >= BYTES_IN_A_ROW {
                break;
            }
        }
        Received::Bytes(sum)
    }

    fn handle_events(&self, incoming: &mut Incoming) {
        while let Some(segments) = self.handle_events_until_segments(incoming) {
            if let Err(what) = incoming.take_segments(segments) {
                incoming.clear();
                self.core
                    .with(|state, now| state.handle_faulty(now, self.worker, &what));
                return;
            }
        }
    }

    /// Stops where something can only be done without the lock.
    fn handle_events_until_segments(&self, incoming: &mut Incoming) -> Option<Segments> {
        self.core.with(|state, now| {
            state.scheduler.begin_batch();
            let segments = loop {
                match incoming.next_event() {
                    Ok(Next::Event(event)) => self.handle_event(state, now, event),
                    Ok(Next::Segments(segments)) => break Some(segments),
                    Ok(Next::Nothing) => break None,
                    Err(what) => {
                        incoming.clear();
                        state.handle_faulty(now, self.worker, &what);
                        break None;
                    }
                }
            };
            state.scheduler.end_batch(now);
            segments
        })
    }

    fn handle_event(&self, state: &mut State, now: Instant, event: Event) {
        match event {
            Event::Finished(finished) => state.handle_finished(now, self.worker, finished),
            Event::ItemsBegan(ticket) => state.handle_items_began(now, self.worker, ticket),
            Event::Items(frames) => state.handle_items(now, self.worker, frames),
            Event::ItemFailed(why) => state.handle_item_failed(now, self.worker, why),
            Event::BroadcastEnded(refusal) => state.handle_briefed(now, self.worker, refusal),
            Event::Ready | Event::Refused(_) | Event::Segments(_) => {
                state.handle_faulty(now, self.worker, "it started twice");
            }
        }
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
