//! What this binary does when a test starts it: one function a role.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, exit};
use std::time::Instant;

use procpool_os::{
    ArmedLifeline, CallOffsets, ControlPage, MatchedImage, SameBuild, SpawnSpec, WorkerProcess,
    lifeline,
};
use procpool_os::{signals, socket, stdio};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::calls;
use crate::harness::HANG;
use crate::sandbox;

/// Named on the command line by its `Debug` form.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Role {
    /// Exits with 7.
    ExitSeven,
    /// Aborts.
    Abort,
    /// Computes, and never ends by itself.
    Compute,
    /// Says so on its output, and computes, as does its child.
    ComputeWithChild,
    /// Exits with 0, and leaves a child that computes.
    LeaveChild,
    /// Prints its arguments, environment, directory and descriptors.
    Describe,
    /// Writes to its standard error and exits.
    Complain,
    /// Calls the function that it is sent, and sends the result.
    Call,
    /// Deletes and replaces its own executable, and then calls a function in a worker.
    ReplaceExecutable,
    /// Has a worker, and no standard streams.
    CloseStreams,
    /// Has workers on a kernel before Linux 6.9, and ignores `SIGCHLD`.
    IgnoreChildren,
    /// A parent whose worker is armed. See `lifelines`.
    LifelineParent,
    /// The same, and then the worker and its child are stopped.
    LifelineStoppingParent,
    /// The same, and the worker's system knows no signals for descriptors.
    LifelineSandboxParent,
    /// The same, and then the worker exits and leaves its child.
    LifelineLeavingParent,
    /// Arms the lifeline that it is sent.
    LifelineWorker,
    /// The same, and exits when its child computes.
    LifelineLeavingWorker,
    /// The one that computes, in a sandbox.
    LifelineSandboxWorker,
    /// The one that exits, in a sandbox.
    LifelineSandboxLeavingWorker,
}

const ALL: [Role; 19] = [
    Role::ExitSeven,
    Role::Abort,
    Role::Compute,
    Role::ComputeWithChild,
    Role::LeaveChild,
    Role::Describe,
    Role::Complain,
    Role::Call,
    Role::ReplaceExecutable,
    Role::CloseStreams,
    Role::IgnoreChildren,
    Role::LifelineParent,
    Role::LifelineStoppingParent,
    Role::LifelineSandboxParent,
    Role::LifelineLeavingParent,
    Role::LifelineWorker,
    Role::LifelineLeavingWorker,
    Role::LifelineSandboxWorker,
    Role::LifelineSandboxLeavingWorker,
];

/// The role that the first argument names, if it names one.
pub(crate) fn of_this_process() -> Option<Role> {
    let name = std::env::args().nth(1)?;
    ALL.into_iter().find(|role| role.name() == name)
}

impl Role {
    pub(crate) fn name(self) -> String {
        format!("role-{self:?}")
    }

    /// This role as a worker, and the parent's end of its socket.
    pub(crate) fn as_worker(self) -> (SpawnSpec, OwnedFd) {
        let (parent, worker) = socket::pair().unwrap();
        let mut spec = SpawnSpec::new("test-worker", worker);
        spec.args = vec![OsString::from(self.name())];
        (spec, parent)
    }

    /// This role as any process, in the group of this one.
    pub(crate) fn as_child(self) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.arg(self.name());
        command
    }

    pub(crate) fn play(self) -> ! {
        signals::unblock_all().unwrap();
        match self {
            Role::ExitSeven => exit(7),
            Role::Abort => std::process::abort(),
            Role::Compute => compute(),
            Role::ComputeWithChild => {
                have_child();
                say("computing");
                compute()
            }
            Role::LeaveChild => {
                have_child();
                exit(0)
            }
            Role::Describe => describe(),
            Role::Complain => {
                eprint!("it is all too much");
                exit(0)
            }
            Role::Call => serve_one_call(),
            Role::ReplaceExecutable => replace_executable(),
            Role::CloseStreams => close_streams(),
            Role::IgnoreChildren => ignore_children(),
            Role::LifelineParent => lifeline_parent(Role::LifelineWorker, |_| ()),
            Role::LifelineStoppingParent => lifeline_parent(Role::LifelineWorker, stop_group_of),
            Role::LifelineLeavingParent => lifeline_parent(Role::LifelineLeavingWorker, await_exit),
            Role::LifelineSandboxParent => lifeline_parent(Role::LifelineSandboxWorker, |_| ()),
            Role::LifelineWorker => {
                arm_and_have_child();
                compute()
            }
            Role::LifelineLeavingWorker => arm_and_have_child().exit(0),
            Role::LifelineSandboxWorker => {
                sandbox::forbid_signals_by_descriptor();
                arm_and_have_child();
                compute()
            }
            Role::LifelineSandboxLeavingWorker => {
                sandbox::forbid_signals_by_descriptor();
                arm_and_have_child().exit(0)
            }
        }
    }
}

/// Has a child that computes, in the same group.
#[allow(
    clippy::zombie_processes,
    reason = "it outlives this process, or dies with it"
)]
fn have_child() {
    Role::Compute.as_child().spawn().unwrap();
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

/// As good as for ever: longer than any test may take, so that a failed one leaves nothing for long.
fn compute() -> ! {
    let start = Instant::now();
    while start.elapsed() < 2 * HANG {
        std::hint::spin_loop();
    }
    exit(3)
}

fn describe() -> ! {
    let leads_group = rustix::process::getpgrp() == rustix::process::getpid();
    let arguments: Vec<String> = std::env::args().collect();
    let variables: Vec<(String, String)> = std::env::vars().collect();
    let directory = std::env::current_dir().unwrap();
    let socket = stdio::take_stdin_socket().unwrap();
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&socket);
    let flags = rustix::io::fcntl_getfd(&socket).unwrap();
    let on_stdin = std::io::stdin().read(&mut [0]).unwrap();
    let again = stdio::take_stdin_socket().unwrap_err().kind();
    println!("arguments {}", arguments.join(" "));
    println!("leads its group {leads_group}");
    for (name, value) in variables
        .iter()
        .filter(|(name, _)| name.starts_with("PROCPOOL_OS_"))
    {
        println!("variable {name}={value}");
    }
    println!("variables {}", variables.len());
    println!("directory {}", directory.display());
    println!("socket is out of the way {}", descriptor >= 100);
    println!(
        "socket closes on exec {}",
        flags.contains(rustix::io::FdFlags::CLOEXEC)
    );
    println!("bytes on standard input {on_stdin}");
    println!("second take {}", again == ErrorKind::InvalidInput);
    exit(0)
}

fn serve_one_call() -> ! {
    let socket = stdio::take_stdin_socket().unwrap();
    let mut bytes = [0; 256];
    let (count, descriptors) = socket::receive_with_descriptors(&socket, &mut bytes, 1).unwrap();
    let page = ControlPage::attach(descriptors.into_iter().next().unwrap()).unwrap();
    let (offsets, anchor, identity) = calls::parse(&bytes[..count]);
    let image = MatchedImage::new(SameBuild::check(&identity, anchor).unwrap(), &page);
    let mut context = calls::Context::default();
    image.call(offsets, &mut context).unwrap();
    socket::send(&socket, &context.result.to_le_bytes()).unwrap();
    exit(0)
}

fn replace_executable() -> ! {
    let path = std::env::current_exe().unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "no program at all").unwrap();
    let function: fn(u64) -> u64 = calls::answer;
    let offsets = CallOffsets::of::<_, calls::Run>(function).unwrap();
    assert_eq!(calls::call_in_a_worker(offsets), 42);
    exit(0)
}

/// The file for a worker's output then has the number of a standard stream already.
fn close_streams() -> ! {
    for stream in 0..3 {
        // SAFETY: the standard library does not own them, and nothing else of this process uses them.
        unsafe { rustix::io::close(stream) };
    }
    let (mut output, write_end) = output_pipe();
    let (mut spec, _socket) = Role::Describe.as_worker();
    spec.stdout = write_end.into();
    let worker = spec.spawn().unwrap();
    let mut described = String::new();
    output.read_to_string(&mut described).unwrap();
    assert_eq!(worker.reap().unwrap().code(), Some(0));
    assert!(described.contains("bytes on standard input 0"));
    exit(0)
}

/// The kernel reaps children at once. The pidfd still names them, and their numbers are used only while they are
/// children.
fn ignore_children() -> ! {
    sandbox::forbid_groups_by_pidfd();
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    let (mut spec, _socket) = Role::ComputeWithChild.as_worker();
    let (output, write_end) = output_pipe();
    spec.stdout = write_end.into();
    let worker = spec.spawn().unwrap();
    let mut output = BufReader::new(output);
    output.read_line(&mut String::new()).unwrap();
    worker.kill_group();
    assert_eq!(output.read(&mut [0]).unwrap(), 0, "its group is killed");
    let status = worker.reap().unwrap();
    assert_eq!((status.code(), status.signal()), (None, None));
    worker.kill_group();
    exit(0)
}

/// Spawns a worker that arms the other end of a lifeline, does something to it, and waits to be
/// killed. The worker says how it is armed on the standard output that both have.
fn lifeline_parent(worker: Role, then: fn(&WorkerProcess)) -> ! {
    let (spec, socket) = worker.as_worker();
    let (_lifeline, passed) = lifeline::lifeline().unwrap();
    socket::send_with_descriptors(&socket, b"!", &[passed.as_fd()]).unwrap();
    drop(passed);
    let worker = spec.spawn().unwrap();
    rustix::io::ioctl_fionbio(&socket, false).unwrap();
    assert_eq!(
        socket::receive(&socket, &mut [0]).unwrap(),
        1,
        "it is armed"
    );
    then(&worker);
    say("ready");
    // As good as for ever, see `compute`.
    std::thread::sleep(2 * HANG);
    exit(3)
}

fn stop_group_of(worker: &WorkerProcess) {
    let pid = Pid::from_raw(worker.pid().cast_signed()).unwrap();
    kill_process_group(pid, Signal::STOP).unwrap();
    waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED).unwrap();
}

/// Without reaping, which would kill the rest of its group.
fn await_exit(worker: &WorkerProcess) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    waitid(WaitId::PidFd(worker.as_fd()), options).unwrap();
}

fn arm_and_have_child() -> ArmedLifeline {
    let socket = stdio::take_stdin_socket().unwrap();
    let (_, descriptors) = socket::receive_with_descriptors(&socket, &mut [0], 1).unwrap();
    let descriptor = descriptors.into_iter().next().unwrap();
    let armed = lifeline::arm(descriptor).unwrap();
    have_child();
    match armed {
        ArmedLifeline::ByKernel => say("armed by kernel"),
        ArmedLifeline::ByThread => say("armed by thread"),
        _ => say("armed in another way"),
    }
    // A test may have killed the parent on the line above.
    let _parent_may_be_dead = socket::send(&socket, b"!");
    armed
}

/// A pipe that ends when every process that has it as an output is gone.
pub(crate) fn output_pipe() -> (File, OwnedFd) {
    let (read_end, write_end) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    (File::from(read_end), write_end)
}
