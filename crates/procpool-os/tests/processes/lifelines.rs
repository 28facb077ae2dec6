//! A worker and its children end with the parent, whatever they are doing.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use procpool_os::{Lifeline, WorkerProcess, lifeline, socket};

use crate::harness::Test;
use crate::roles::{Role, output_pipe};

pub(crate) const TESTS: &[Test] = &[
    (
        "workers_end_with_a_killed_parent",
        workers_end_with_a_killed_parent,
    ),
    (
        "stopped_workers_end_with_a_killed_parent",
        stopped_workers_end_with_a_killed_parent,
    ),
    (
        "children_of_a_gone_worker_end_with_a_killed_parent",
        children_of_a_gone_worker_end_with_a_killed_parent,
    ),
    (
        "a_sandboxed_worker_takes_its_children_along",
        a_sandboxed_worker_takes_its_children_along,
    ),
    (
        "sandboxed_workers_end_with_a_killed_parent",
        sandboxed_workers_end_with_a_killed_parent,
    ),
    (
        "dropping_the_lifeline_kills_the_worker",
        dropping_the_lifeline_kills_the_worker,
    ),
    (
        "arming_after_the_parents_end_kills_the_worker",
        arming_after_the_parents_end_kills_the_worker,
    ),
    (
        "arming_in_anothers_group_is_refused",
        arming_in_anothers_group_is_refused,
    ),
    (
        "arming_a_descriptor_that_is_no_pipe_is_refused",
        arming_a_descriptor_that_is_no_pipe_is_refused,
    ),
];

fn workers_end_with_a_killed_parent() {
    all_end_with_a_killed_parent(Role::LifelineParent, &["armed by kernel"]);
}

fn stopped_workers_end_with_a_killed_parent() {
    all_end_with_a_killed_parent(Role::LifelineStoppingParent, &["armed by kernel", "ready"]);
}

/// A parent's descriptors close one after the other. A worker may see the end of its socket and be
/// gone before the lifeline is cut, and then no process is there any more that armed it.
fn children_of_a_gone_worker_end_with_a_killed_parent() {
    all_end_with_a_killed_parent(Role::LifelineLeavingParent, &["armed by kernel", "ready"]);
}

fn sandboxed_workers_end_with_a_killed_parent() {
    all_end_with_a_killed_parent(Role::LifelineSandboxParent, &["armed by thread", "ready"]);
}

/// Parent, worker and grandchild have the pipe as their output; it ends when all three are gone.
fn all_end_with_a_killed_parent(parent: Role, expected: &[&str]) {
    let (alive, output) = output_pipe();
    let mut parent = parent.as_child().stdout(output).spawn().unwrap();
    let mut alive = BufReader::new(alive);
    for expected in expected {
        let mut line = String::new();
        alive.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), *expected);
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    // What was said in the meantime is of no interest.
    alive.read_to_end(&mut Vec::new()).unwrap();
}

fn a_sandboxed_worker_takes_its_children_along() {
    let (lifeline, worker, mut alive) = armed(Role::LifelineSandboxLeavingWorker);
    assert_eq!(alive.read(&mut [0; 64]).unwrap(), 0);
    assert_eq!(worker.reap().unwrap().signal(), Some(libc::SIGKILL));
    drop(lifeline);
}

fn dropping_the_lifeline_kills_the_worker() {
    let (lifeline, worker, mut alive) = armed(Role::LifelineWorker);
    assert_eq!(worker.try_reap().unwrap(), None);
    drop(lifeline);
    assert_eq!(alive.read(&mut [0; 64]).unwrap(), 0);
    assert_eq!(worker.reap().unwrap().signal(), Some(libc::SIGKILL));
}

/// A worker that has reported that it is armed, and the rest of its output.
fn armed(role: Role) -> (Lifeline, WorkerProcess, BufReader<File>) {
    let (mut spec, socket) = role.as_worker();
    let (alive, output) = output_pipe();
    spec.stdout = output.into();
    let (lifeline, passed) = lifeline::lifeline().unwrap();
    socket::send_with_descriptors(&socket, b"!", &[passed.as_fd()]).unwrap();
    drop(passed);
    let worker = spec.spawn().unwrap();
    let mut alive = BufReader::new(alive);
    alive.read_line(&mut String::new()).unwrap();
    (lifeline, worker, alive)
}

fn arming_after_the_parents_end_kills_the_worker() {
    for role in [Role::LifelineWorker, Role::LifelineSandboxWorker] {
        let (mut spec, socket) = role.as_worker();
        let (mut alive, output) = output_pipe();
        spec.stdout = output.into();
        let (lifeline, passed) = lifeline::lifeline().unwrap();
        socket::send_with_descriptors(&socket, b"!", &[passed.as_fd()]).unwrap();
        drop((lifeline, passed));
        let worker = spec.spawn().unwrap();
        assert_eq!(worker.reap().unwrap().signal(), Some(libc::SIGKILL));
        assert_eq!(
            alive.read_to_end(&mut Vec::new()).unwrap_or(1),
            0,
            "it got beyond arming"
        );
    }
}

/// Or a worker that is started by hand would kill the shell's job with its parent.
fn arming_in_anothers_group_is_refused() {
    let (_socket, worker) = socket::pair().unwrap();
    let mut command: Command = Role::LifelineWorker.as_child();
    let (lifeline, passed) = lifeline::lifeline().unwrap();
    socket::send_with_descriptors(&_socket, b"!", &[passed.as_fd()]).unwrap();
    drop(passed);
    let output = command
        .stdin(worker)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(101));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.contains("must lead a process group"),
        "{complaint}"
    );
    drop(lifeline);
}

fn arming_a_descriptor_that_is_no_pipe_is_refused() {
    // In this process, unless it leads a group: either way the answer is the same kind.
    let (socket, _other) = socket::pair().unwrap();
    assert_eq!(
        lifeline::arm(socket).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}
