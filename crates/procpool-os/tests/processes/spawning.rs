//! Workers are spawned as asked, ended with all that they started, and reaped.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use procpool_os::{OutputTo, WorkerProcess, stdio};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, WaitOptions, waitpid};

use crate::harness::Test;
use crate::roles::{Role, output_pipe};

pub(crate) const TESTS: &[Test] = &[
    (
        "the_exit_code_of_a_worker_is_known",
        the_exit_code_of_a_worker_is_known,
    ),
    (
        "the_signal_that_ended_a_worker_is_known",
        the_signal_that_ended_a_worker_is_known,
    ),
    (
        "a_running_worker_is_not_reaped",
        a_running_worker_is_not_reaped,
    ),
    ("a_worker_is_started_as_asked", a_worker_is_started_as_asked),
    (
        "an_environment_may_start_empty",
        an_environment_may_start_empty,
    ),
    (
        "standard_error_can_be_read_without_blocking",
        standard_error_can_be_read_without_blocking,
    ),
    ("a_kill_ends_the_whole_group", a_kill_ends_the_whole_group),
    (
        "children_of_a_worker_end_when_it_is_reaped",
        children_of_a_worker_end_when_it_is_reaped,
    ),
    (
        "dropping_a_worker_ends_its_group",
        dropping_a_worker_ends_its_group,
    ),
    (
        "kills_and_reaping_in_two_threads",
        kills_and_reaping_in_two_threads,
    ),
    (
        "a_worker_that_was_reaped_elsewhere_is_no_error",
        a_worker_that_was_reaped_elsewhere_is_no_error,
    ),
    (
        "a_failed_spawn_leaves_nothing",
        a_failed_spawn_leaves_nothing,
    ),
    (
        "no_handler_of_the_parents_runs_in_a_worker",
        no_handler_of_the_parents_runs_in_a_worker,
    ),
    (
        "a_worker_blocks_no_signal_once_it_has_unblocked_them",
        a_worker_blocks_no_signal_once_it_has_unblocked_them,
    ),
    (
        "a_parent_without_standard_streams_has_workers",
        a_parent_without_standard_streams_has_workers,
    ),
    (
        "an_older_kernel_and_an_ignored_sigchld_leave_no_process",
        an_older_kernel_and_an_ignored_sigchld_leave_no_process,
    ),
    (
        "standard_input_that_is_no_socket_stays",
        standard_input_that_is_no_socket_stays,
    ),
];

fn wait_for_exit(worker: &WorkerProcess) {
    let mut watched = [PollFd::new(worker, PollFlags::IN)];
    poll(&mut watched, None).unwrap();
}

fn the_exit_code_of_a_worker_is_known() {
    let (spec, _socket) = Role::ExitSeven.as_worker();
    let worker = spec.spawn().unwrap();
    wait_for_exit(&worker);
    let status = worker.try_reap().unwrap().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(7), None));
    assert_eq!(worker.try_reap().unwrap(), Some(status), "it is remembered");
    assert_eq!(worker.reap().unwrap(), status);
    worker.kill_group();
}

fn the_signal_that_ended_a_worker_is_known() {
    let (spec, _socket) = Role::Abort.as_worker();
    let status = spec.spawn().unwrap().reap().unwrap();
    assert_eq!(
        (status.code(), status.signal()),
        (None, Some(libc::SIGABRT))
    );
}

fn a_running_worker_is_not_reaped() {
    let (spec, _socket) = Role::Compute.as_worker();
    let worker = spec.spawn().unwrap();
    assert_eq!(worker.try_reap().unwrap(), None);
    worker.kill_group();
    worker.kill_group();
    assert_eq!(worker.reap().unwrap().signal(), Some(libc::SIGKILL));
}

fn described(changes: impl FnOnce(&mut procpool_os::SpawnSpec)) -> Vec<String> {
    let (mut spec, _socket) = Role::Describe.as_worker();
    let (output, write_end) = output_pipe();
    spec.stdout = write_end.into();
    changes(&mut spec);
    let worker = spec.spawn().unwrap();
    let lines = BufReader::new(output).lines().map(Result::unwrap).collect();
    assert_eq!(worker.reap().unwrap().code(), Some(0));
    lines
}

fn a_worker_is_started_as_asked() {
    let lines = described(|spec| {
        spec.args.push("second".into());
        spec.env = vec![
            ("PROCPOOL_OS_SET".into(), Some("a b".into())),
            ("PROCPOOL_OS_SET_AND_REMOVED".into(), Some("c".into())),
            ("PROCPOOL_OS_SET_AND_REMOVED".into(), None),
        ];
        spec.current_dir = Some("/proc".into());
    });
    let expected = [
        "arguments test-worker role-Describe second",
        "leads its group true",
        "variable PROCPOOL_OS_SET=a b",
        "directory /proc",
        "socket is out of the way true",
        "socket closes on exec true",
        "bytes on standard input 0",
        "second take true",
    ];
    for line in expected {
        assert!(
            lines.iter().any(|said| said == line),
            "{line} is not among {lines:?}"
        );
    }
    assert!(
        !lines.iter().any(|said| said.contains("REMOVED")),
        "{lines:?}"
    );
}

fn an_environment_may_start_empty() {
    let lines = described(|spec| {
        spec.env_clear = true;
        spec.env = vec![("PROCPOOL_OS_ONLY".into(), Some("1".into()))];
    });
    assert!(lines.iter().any(|said| said == "variables 1"), "{lines:?}");
}

fn standard_error_can_be_read_without_blocking() {
    let (mut spec, _socket) = Role::Complain.as_worker();
    spec.stderr = OutputTo::Piped;
    let mut worker = spec.spawn().unwrap();
    let mut stderr = File::from(worker.take_stderr().unwrap());
    assert!(worker.take_stderr().is_none() && worker.take_stdout().is_none());
    worker.reap().unwrap();
    let mut text = String::new();
    stderr.read_to_string(&mut text).unwrap();
    assert_eq!(text, "it is all too much");

    let (mut spec, _socket) = Role::Compute.as_worker();
    spec.stderr = OutputTo::Piped;
    spec.stdout = OutputTo::Piped;
    let mut worker = spec.spawn().unwrap();
    for output in [worker.take_stdout(), worker.take_stderr()] {
        let nothing = File::from(output.unwrap()).read(&mut [0]).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    }
}

/// A worker whose child has the pipe as its output too, both alive and computing.
fn worker_with_child() -> (WorkerProcess, BufReader<File>) {
    let (mut spec, _socket) = Role::ComputeWithChild.as_worker();
    let (alive, output) = output_pipe();
    spec.stdout = output.into();
    let worker = spec.spawn().unwrap();
    let mut alive = BufReader::new(alive);
    alive.read_line(&mut String::new()).unwrap();
    (worker, alive)
}

fn a_kill_ends_the_whole_group() {
    let (worker, mut alive) = worker_with_child();
    worker.kill_group();
    assert_eq!(alive.read(&mut [0]).unwrap(), 0);
    assert_eq!(worker.reap().unwrap().signal(), Some(libc::SIGKILL));
}

fn children_of_a_worker_end_when_it_is_reaped() {
    let (mut spec, _socket) = Role::LeaveChild.as_worker();
    let (mut alive, output) = output_pipe();
    spec.stdout = output.into();
    let worker = spec.spawn().unwrap();
    wait_for_exit(&worker);
    rustix::io::ioctl_fionbio(&alive, true).unwrap();
    assert_eq!(
        alive.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::WouldBlock,
        "its child lives"
    );
    rustix::io::ioctl_fionbio(&alive, false).unwrap();
    assert_eq!(worker.try_reap().unwrap().unwrap().code(), Some(0));
    assert_eq!(alive.read(&mut [0]).unwrap(), 0);
}

fn dropping_a_worker_ends_its_group() {
    let (worker, mut alive) = worker_with_child();
    drop(worker);
    assert_eq!(alive.read(&mut [0]).unwrap(), 0);
}

fn kills_and_reaping_in_two_threads() {
    for _ in 0..50 {
        let (spec, _socket) = Role::Compute.as_worker();
        let worker = spec.spawn().unwrap();
        let status = std::thread::scope(|scope| {
            let reaping = scope.spawn(|| worker.reap().unwrap());
            while worker.try_reap().unwrap().is_none() {
                worker.kill_group();
            }
            reaping.join().unwrap()
        });
        assert_eq!(status.signal(), Some(libc::SIGKILL));
    }
}

/// A program may have a handler that waits for any child.
fn a_worker_that_was_reaped_elsewhere_is_no_error() {
    let (spec, _socket) = Role::ExitSeven.as_worker();
    let worker = spec.spawn().unwrap();
    let pid = Pid::from_raw(worker.pid().cast_signed());
    waitpid(pid, WaitOptions::empty()).unwrap();
    let status = worker.try_reap().unwrap().unwrap();
    assert_eq!((status.code(), status.signal()), (None, None));
}

fn a_failed_spawn_leaves_nothing() {
    let (mut spec, _socket) = Role::ExitSeven.as_worker();
    spec.current_dir = Some("/proc/there/is/no/such/directory".into());
    assert_eq!(spec.spawn().unwrap_err().kind(), ErrorKind::NotFound);

    let (mut spec, _socket) = Role::ExitSeven.as_worker();
    spec.args.push("a\0b".into());
    assert_eq!(spec.spawn().unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// Until it executes its program, a worker runs in the parent's memory.
fn no_handler_of_the_parents_runs_in_a_worker() {
    static HANDLED: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn handle(_: libc::c_int) {
        HANDLED.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: the handler does nothing but to count.
    unsafe { libc::signal(libc::SIGUSR1, handle as *const () as libc::sighandler_t) };
    for _ in 0..200 {
        let (spec, _socket) = Role::Compute.as_worker();
        let worker = spec.spawn().unwrap();
        rustix::process::pidfd_send_signal(&worker, Signal::USR1).unwrap();
        assert_eq!(worker.reap().unwrap().signal(), Some(libc::SIGUSR1));
    }
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGUSR1, libc::SIG_DFL) };
    assert_eq!(HANDLED.load(Ordering::Relaxed), 0);
}

fn a_worker_blocks_no_signal_once_it_has_unblocked_them() {
    let (mut spec, _socket) = Role::ComputeWithChild.as_worker();
    let (output, write_end) = output_pipe();
    spec.stdout = write_end.into();
    let worker = spec.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).unwrap();
    assert_eq!(line, "computing\n");
    let path = format!("/proc/{}/status", worker.pid());
    let sets = |path: String| {
        let status = std::fs::read_to_string(path).unwrap();
        ["SigBlk:", "SigIgn:"].map(|name| {
            let set = status.lines().find_map(|line| line.strip_prefix(name));
            u64::from_str_radix(set.unwrap().trim(), 16).unwrap()
        })
    };
    let [blocked, ignored] = sets(path);
    let [_, ignored_here] = sets("/proc/thread-self/status".to_owned());
    // Signals 32 and 33 are the C library's own. Its `posix_spawn` leaves them ignored.
    let others = !(0b11 << 31);
    assert_eq!((blocked, ignored & !ignored_here & others), (0, 0));
}

fn a_parent_without_standard_streams_has_workers() {
    let status = Role::CloseStreams.as_child().status().unwrap();
    assert_eq!(status.code(), Some(0));
}

fn an_older_kernel_and_an_ignored_sigchld_leave_no_process() {
    let status = Role::IgnoreChildren.as_child().status().unwrap();
    assert_eq!(status.code(), Some(0));
}

fn standard_input_that_is_no_socket_stays() {
    for stdin in [Stdio::null(), Stdio::piped()] {
        let mut command = Role::Describe.as_child();
        let child = command
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let output = child.output().unwrap();
        assert_eq!(output.status.code(), Some(101));
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(
            complaint.contains("not the socket of a procpool parent"),
            "{complaint}"
        );
    }
    // It holds for this process too, wherever its input comes from.
    assert_eq!(
        stdio::take_stdin_socket().unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}
