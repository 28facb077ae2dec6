//! Spawns a worker's process and sends its first messages.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use std::time::Instant;

use procpool_os::{
    ControlPage, Image, Lifeline, SpawnSpec, WorkerProcess, anchor, lifeline, socket,
};
use procpool_scheduler::WorkerId;
use procpool_wire::{Command, PROTOCOL_VERSION, Preparation, Setup, Start};

use crate::driver::pool::core::Core;
use crate::driver::process::cgroup::Cgroup;
use crate::driver::process::child_process::ChildProcess;
use crate::driver::process::kill_switch::KillSwitch;
use crate::driver::transport::channel;
use crate::driver::transport::incoming::Incoming;
use crate::driver::transport::link::Link;
use crate::output::Outputs;
use crate::task::call::EncodedCall;

/// A process that is spawned, and not watched by the runtime yet.
#[derive(Debug)]
pub(crate) struct SpawnedProcess {
    process: WorkerProcess,
    since: Instant,
    socket: OwnedFd,
    page: ControlPage,
    broadcasts: Vec<EncodedCall>,
    cgroup: Option<Cgroup>,
    lifeline: Lifeline,
}

/// A worker whose process is watched, and that is not ready yet.
#[derive(Debug)]
pub(crate) struct StartingWorker {
    pub(crate) child: ChildProcess,
    pub(crate) link: Arc<Link>,
    pub(crate) incoming: Incoming,
    pub(crate) outputs: Outputs,
    pub(crate) cgroup: Option<Cgroup>,
    /// The kernel kills the worker's process group when this is closed.
    pub(crate) _lifeline: Lifeline,
}

/// Spawns a worker's process. It returns when the kernel has loaded the executable.
///
/// The first message and its descriptors are in the socket before the process exists, so a start takes one message instead
/// of three. The parts that only this process needs are made [later](SpawnedProcess::watch), while the worker starts.
///
/// # Errors
/// The error of the system call that failed. Then nothing of the worker is left.
pub(crate) fn spawn(core: &Arc<Core>, worker: WorkerId) -> io::Result<SpawnedProcess> {
    let (ours, theirs) = socket::pair()?;
    let (page, page_descriptor) = ControlPage::create()?;
    let (broadcasts, first_spin) =
        core.with(|state, _| (state.broadcasts(worker), state.first_spin()));
    page.set_spin_limit(first_spin);
    let (lifeline, lifeline_descriptor) = lifeline::lifeline()?;
    let cgroup = cgroup(core, worker)?;
    let start = start(core, worker, cgroup.as_ref(), broadcasts.len())?;
    let descriptors = [page_descriptor.as_fd(), lifeline_descriptor.as_fd()];
    let sent = socket::send_with_descriptors(ours.as_fd(), &start, &descriptors)?;
    if sent != start.len() {
        return Err(io::Error::other(
            "the first message does not fit into the socket",
        ));
    }
    let since = Instant::now();
    let process = spec(core, theirs).spawn()?;
    Ok(SpawnedProcess {
        process,
        since,
        socket: ours,
        page,
        broadcasts,
        cgroup,
        lifeline,
    })
}

impl SpawnedProcess {
    /// Has the runtime watch the process, puts it under the switch, and sends the calls that it must run before it is ready.
    ///
    /// # Errors
    /// The error of the system call that failed. Then nothing of the worker is left.
    pub(crate) fn watch(self, core: &Core, switch: &Arc<KillSwitch>) -> io::Result<StartingWorker> {
        let SpawnedProcess {
            mut process,
            since,
            socket,
            page,
            broadcasts,
            cgroup,
            lifeline,
        } = self;
        let env = core.env();
        let outputs = (env.stdout, env.stderr);
        let outputs = Outputs::of(&mut process, outputs, core.name())?;
        let child = ChildProcess::new(process, Arc::clone(switch), since)?;
        let (sender, receiver) = channel::open(socket)?;
        let link = Link::new(sender, page, child.pid());
        if let Some(call) = core.initializer() {
            let [entry, function] = call.offsets.to_words();
            link.push_initialize(&Preparation {
                entry,
                function,
                args: call.args.clone(),
            });
        }
        for call in broadcasts {
            let [entry, function] = call.offsets.to_words();
            link.push_broadcast(&Preparation {
                entry,
                function,
                args: call.args,
            });
        }
        link.flush();
        let incoming = Incoming::new(receiver, Arc::clone(link.worker()));
        Ok(StartingWorker {
            child,
            link: Arc::new(link),
            incoming,
            outputs,
            cgroup,
            _lifeline: lifeline,
        })
    }
}

fn spec(core: &Core, socket: OwnedFd) -> SpawnSpec {
    let program = std::env::args_os()
        .next()
        .unwrap_or_else(|| "procpool-worker".into());
    let env = core.env();
    SpawnSpec {
        args: procpool_worker::arguments(core.name()),
        env: env.env.clone(),
        env_clear: env.env_clear,
        current_dir: env.current_dir.clone(),
        stdout: env.stdout.stdio(),
        stderr: env.stderr.stdio(),
        ..SpawnSpec::new(program, socket)
    }
}

fn cgroup(core: &Core, worker: WorkerId) -> io::Result<Option<Cgroup>> {
    let Some(parent) = &core.limits().cgroup else {
        return Ok(None);
    };
    // Several pools of several processes may share the parent group.
    let worker = worker.as_u64();
    let name = format!("procpool-{}-{}-{worker}", std::process::id(), core.serial());
    Cgroup::create(parent, &name, core.limits().memory).map(Some)
}

fn start(
    core: &Core,
    worker: WorkerId,
    cgroup: Option<&Cgroup>,
    broadcasts: usize,
) -> io::Result<Vec<u8>> {
    let image = Image::current().map_err(io::Error::other)?;
    let start = Start {
        version: PROTOCOL_VERSION,
        anchor: anchor(),
        identity: image.identity().as_bytes().to_vec(),
        setup: Setup {
            worker: worker.as_u64(),
            pool: core.name().to_owned(),
            has_initializer: core.initializer().is_some(),
            broadcasts: u32::try_from(broadcasts).map_err(io::Error::other)?,
            memory_limit: core.limits().own_memory(),
            cgroup_members: cgroup.map(|group| group.members().into_os_string().into_vec()),
            max_growth: core.limits().growth,
        },
    };
    let mut bytes = Vec::new();
    Command::encode_start(&start, &mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
