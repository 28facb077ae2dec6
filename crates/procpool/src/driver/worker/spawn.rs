//! From the decision to have a worker to a process that has been told what to be.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use std::time::Instant;

use procpool_os::{
    ControlPage, Image, Lifeline, SpawnSpec, WorkerProcess, anchor, lifeline, socket,
};
use procpool_scheduler::WorkerId;
use procpool_wire::{Broadcast, Command, Initialize, PROTOCOL_VERSION, Setup, Start};

use crate::driver::pool::core::Core;
use crate::driver::process::cgroup::Cgroup;
use crate::driver::process::child_process::Leader;
use crate::driver::process::kill_switch::KillSwitch;
use crate::driver::transport::channel;
use crate::driver::transport::incoming::Incoming;
use crate::driver::transport::link::Link;
use crate::output::Outputs;
use crate::task::call::EncodedCall;

/// A process that has been started, and that nobody watches yet.
#[derive(Debug)]
pub(crate) struct Newborn {
    process: WorkerProcess,
    since: Instant,
    socket: OwnedFd,
    page: ControlPage,
    broadcasts: Vec<EncodedCall>,
    cgroup: Option<Cgroup>,
    lifeline: Lifeline,
}

/// A worker that was spawned, and has yet to say that it is ready.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) leader: Leader,
    pub(crate) link: Arc<Link>,
    pub(crate) incoming: Incoming,
    pub(crate) outputs: Outputs,
    pub(crate) cgroup: Option<Cgroup>,
    /// While it is held the worker lives; the kernel kills the worker's group when it is closed.
    pub(crate) _lifeline: Lifeline,
}

/// Starts a worker's process, without waiting for anything, in some 100 µs.
///
/// The first message and its descriptors are in the socket before the process exists, so that a
/// start takes one way instead of three. What only this process needs is made [later](Newborn::watch), while
/// the worker starts.
///
/// # Errors
/// What the system says; then nothing of the worker is left.
pub(crate) fn launch(core: &Arc<Core>, worker: WorkerId) -> io::Result<Newborn> {
    let (ours, theirs) = socket::pair()?;
    let (page, page_descriptor) = ControlPage::create()?;
    page.let_listen(core.first_spin());
    let (lifeline, lifeline_descriptor) = lifeline::lifeline()?;
    let cgroup = cgroup(core, worker)?;
    let broadcasts = core.broadcasts(worker);
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
    Ok(Newborn {
        process,
        since,
        socket: ours,
        page,
        broadcasts,
        cgroup,
        lifeline,
    })
}

impl Newborn {
    /// Has the runtime around watch it, under that switch, and sends what it must run before it is ready.
    ///
    /// # Errors
    /// What the system says; then nothing of the worker is left.
    pub(crate) fn watch(self, core: &Core, switch: &Arc<KillSwitch>) -> io::Result<Launched> {
        let Newborn {
            mut process,
            since,
            socket,
            page,
            broadcasts,
            cgroup,
            lifeline,
        } = self;
        let surroundings = core.surroundings();
        let outputs = (surroundings.stdout, surroundings.stderr);
        let outputs = Outputs::of(&mut process, outputs, core.name())?;
        let leader = Leader::new(process, Arc::clone(switch), since)?;
        let (sender, receiver) = channel::open(socket)?;
        let link = Link::new(sender, page, leader.pid());
        if let Some(call) = core.initializer() {
            link.push_initialize(&Initialize {
                entry: call.offsets.entry,
                function: call.offsets.function,
                args: call.args.clone(),
            });
        }
        for call in broadcasts {
            link.push_broadcast(&Broadcast {
                entry: call.offsets.entry,
                function: call.offsets.function,
                args: call.args,
            });
        }
        link.flush();
        let incoming = Incoming::new(receiver, Arc::clone(link.worker()));
        Ok(Launched {
            leader,
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
    let surroundings = core.surroundings();
    SpawnSpec {
        args: procpool_worker::arguments(core.name()),
        env: surroundings.env.clone(),
        env_clear: surroundings.env_clear,
        current_dir: surroundings.current_dir.clone(),
        stdout: surroundings.stdout.stdio(),
        stderr: surroundings.stderr.stdio(),
        ..SpawnSpec::new(program, socket)
    }
}

fn cgroup(core: &Core, worker: WorkerId) -> io::Result<Option<Cgroup>> {
    let Some(parent) = &core.limits().cgroup else {
        return Ok(None);
    };
    // Several pools of several processes may share the parent.
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
