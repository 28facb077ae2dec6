//! The runtime task of one worker, from its spawn until it is reaped.

use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use procpool_scheduler::WorkerId;
use tokio::task::JoinSet;

use crate::driver::pool::core::Core;
use crate::driver::pool::effects::SpawnRequest;
use crate::driver::pool::ending::Ending;
use crate::driver::process::cgroup::Cgroup;
use crate::driver::process::child_process::ChildProcess;
use crate::driver::process::kill_switch::KillSwitch;
use crate::driver::process::memory_watch;
use crate::driver::transport::incoming::Incoming;
use crate::driver::transport::link::Link;
use crate::driver::wait::alarm::delay;
use crate::driver::worker::handshake::{StartFailure, wait_until_ready};
use crate::driver::worker::reader::Reader;
use crate::driver::worker::spawn::{SpawnedProcess, StartingWorker, spawn};
use crate::error::{ExitCause, WorkerStartError};
use crate::output::Outputs;
use crate::spin_wait::ResultSource;

/// The usual time between the moment when an exiting worker closes its socket and the moment when its process has ended.
const USUAL_EXIT: Duration = Duration::from_micros(100);

/// A worker that has closed its socket and is still running after this time is killed.
const HANGUP_GRACE: Duration = Duration::from_secs(1);

/// Supervises one worker. If it is dropped before the worker's end, the runtime is stopping, and the pool is terminated.
struct Supervisor {
    core: Arc<Core>,
    worker: WorkerId,
    switch: Arc<KillSwitch>,
    is_forgotten: bool,
}

/// Starts workers, each with a task of the pool's runtime that supervises it.
///
/// With `spawn_first`, this call spawns the process of the first worker, which then need not wait until a thread of the runtime
/// wakes up. The tasks of the other workers spawn their processes, since each spawn takes some 100 µs.
pub(crate) fn start_workers(core: &Arc<Core>, requests: Vec<SpawnRequest>, spawn_first: bool) {
    for (at, (worker, switch)) in requests.into_iter().enumerate() {
        let spawned = (spawn_first && at == 0).then(|| spawn(core, worker));
        begin(Arc::clone(core), worker, switch, spawned);
    }
}

fn begin(
    core: Arc<Core>,
    worker: WorkerId,
    switch: Arc<KillSwitch>,
    spawned: Option<io::Result<SpawnedProcess>>,
) {
    let runtime = core.runtime().clone();
    runtime.spawn(Supervisor::new(core, worker, switch).run(spawned));
}

/// The workers to start because another one has ended. Dropping this spawns their runtime tasks.
struct Replacements {
    core: Arc<Core>,
    of: Vec<SpawnRequest>,
    first: Option<SpawnedProcess>,
}

impl Replacements {
    /// Spawns the process of the first replacement. If the spawn fails, the worker's task tries again: the spawn may need a resource
    /// that the ended worker still holds.
    fn start_first(&mut self) {
        if let Some(&(worker, _)) = self.of.first() {
            self.first = spawn(&self.core, worker).ok();
        }
    }
}

impl Drop for Replacements {
    fn drop(&mut self) {
        for (worker, switch) in self.of.drain(..) {
            let spawned = self.first.take().map(Ok);
            begin(Arc::clone(&self.core), worker, switch, spawned);
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

    async fn run(mut self, spawned: Option<io::Result<SpawnedProcess>>) {
        let spawned = spawned.unwrap_or_else(|| spawn(&self.core, self.worker));
        let starting = spawned.and_then(|spawned| spawned.watch(&self.core, &self.switch));
        let replacements = match starting {
            Ok(starting) => {
                let (replacements, outputs) = self.supervise(starting).await;
                match outputs.has_more() {
                    false => Some(replacements),
                    true => {
                        // The process that reads this program's output may be slow. Start the replacements without waiting for it.
                        drop(replacements);
                        pass_on(outputs).await;
                        None
                    }
                }
            }
            Err(error) => Some(self.end(Ending::NotStarted(WorkerStartError::spawn(error)))),
        };
        self.switch.finish();
        // All resources of the worker are free now, so its replacements can use them.
        drop(self.core.with(|state, _| state.forget(self.worker)));
        self.is_forgotten = true;
        drop(replacements);
    }

    /// Supervises the worker until it is reaped. Gives its replacements, and its output that was not read yet. Its resources
    /// are given back last, since that takes a while.
    async fn supervise(&self, starting: StartingWorker) -> (Replacements, Outputs) {
        let StartingWorker {
            child,
            link,
            incoming,
            mut outputs,
            cgroup,
            _lifeline,
        } = starting;
        let lived = async {
            let lived = self.live(&child, &link, incoming).await;
            (lived, child.reap().await)
        };
        let (lived, reaped) = tokio::select! {
            lived = lived => lived,
            never = outputs.run() => match never {},
        };
        link.worker().end();
        let fault = self.core.with(|state, _| state.fault(self.worker));
        let cause = fault.or_else(|| self.shortage(cgroup.as_ref()));
        let exit = reaped.exit(cause, &outputs.drain());
        if !self.switch.is_pulled() && exit.code() != Some(0) {
            tracing::warn!(pool = self.core.name(), %exit, "procpool: a worker died");
        }
        let mut replacements = self.end(match lived {
            Ok(()) => Ending::Exited(exit),
            Err(StartFailure::Refused(refusal)) => {
                Ending::NotStarted(WorkerStartError::refused(refusal))
            }
            Err(StartFailure::Protocol(what)) => {
                Ending::NotStarted(WorkerStartError::protocol(what))
            }
            Err(StartFailure::Silent) => Ending::NotStarted(WorkerStartError::exited(exit)),
            Err(StartFailure::TooSlow) => {
                let limit = self.core.startup_timeout();
                Ending::NotStarted(WorkerStartError::timed_out(limit))
            }
        });
        // The tasks that have just ended go first: a spawn takes longer.
        tokio::task::yield_now().await;
        replacements.start_first();
        (replacements, outputs)
    }

    /// The cause of the end, if the kernel killed the worker because its control group was out of memory.
    fn shortage(&self, cgroup: Option<&Cgroup>) -> Option<ExitCause> {
        let limit = self.core.limits().memory?;
        cgroup?
            .ran_out_of_memory()
            .then_some(ExitCause::Memory(limit))
    }

    /// Runs from the handshake until all events of the worker are handled. Then only the end of the process remains to be awaited.
    async fn live(
        &self,
        child: &ChildProcess,
        link: &Arc<Link>,
        mut incoming: Incoming,
    ) -> Result<(), StartFailure> {
        match wait_until_ready(child, link, &mut incoming).await {
            Ok(()) => {}
            // A worker that has refused exits by itself.
            Err(StartFailure::Refused(refusal)) => return Err(StartFailure::Refused(refusal)),
            // This must come before the kill below, which pulls the switch too.
            Err(StartFailure::Silent) if self.switch.is_pulled() => {
                return Err(StartFailure::TooSlow);
            }
            Err(unready) => {
                child.kill();
                return Err(unready);
            }
        }
        let reader = Reader::new(&self.core, self.worker, Arc::clone(link), incoming);
        let reader = Arc::new(reader);
        self.core.with(|state, now| {
            let source = Arc::clone(&reader) as Arc<dyn ResultSource>;
            state.handle_ready(now, self.worker, Arc::clone(link), source);
        });
        reader.handle_rest();
        let limit = self.core.limits().own_memory();
        let mut serve = pin!(self.serve(child, &reader));
        tokio::select! {
            () = &mut serve => return Ok(()),
            limit = memory_watch::exceeds(child.pid(), limit) => self.core.with(|state, now| {
                state.handle_overgrown(now, self.worker, limit);
            }),
        }
        serve.await;
        Ok(())
    }

    /// Runs the reader task until the worker's process has ended and all of its events are handled.
    async fn serve(&self, child: &ChildProcess, reader: &Arc<Reader>) {
        let link = reader.link();
        // Dropping this aborts the reader task.
        let mut reading = JoinSet::new();
        reading.spawn(Arc::clone(reader).run());
        loop {
            tokio::select! {
                _ = reading.join_next() => break,
                () = link.write_blocked() => tokio::task::yield_now().await,
                () = link.has_notices() => link.tell_notices(),
                () = link.collect_requested() => reader.collect(),
                () = child.ended() => {
                    if !reader.receive_last() {
                        reading.join_next().await;
                        reader.receive_last();
                    }
                    return;
                }
            }
        }
        // An exiting process closes its socket shortly before it has ended. That time is too short for a timer. A worker that
        // does not exit after it has closed its socket can't run tasks any more, so it is killed.
        let closed = Instant::now();
        let waited = async {
            while closed.elapsed() < USUAL_EXIT {
                tokio::task::yield_now().await;
            }
            delay(HANGUP_GRACE).await
        };
        tokio::select! {
            () = child.ended() => {}
            waited = waited => {
                match waited {
                    Ok(()) => self.core.with(|state, now| state.handle_hangup(now, self.worker)),
                    // The process is out of descriptors, so there is no timer. If the worker is already exiting, the kill does not
                    // change its exit status.
                    Err(_) => child.kill(),
                }
                child.ended().await;
            }
        }
        reader.collect();
    }

    fn end(&self, ending: Ending) -> Replacements {
        if let Ending::NotStarted(error) = &ending {
            let cause = error.source().map(tracing::field::display);
            tracing::warn!(pool = self.core.name(), %error, cause, "procpool: no worker started");
        }
        let core = Arc::clone(&self.core);
        let of = core.with_spawns(|state, now| state.handle_ended(now, self.worker, ending));
        Replacements {
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
            // `terminate` has given errors to the worker's tasks.
            self.core.forget_unstarted(self.worker);
        }
    }
}
