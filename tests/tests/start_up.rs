//! The start of a program and its workers, and the errors when they can't start.
//!
//! This executable is its own bad worker: if the pool's name is that of a failure, a worker fails in that
//! way before it calls `init()`. So there is no `#[procpool::test]` in this file.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use procpool::{ProcessPool, TaskError};
use procpool_os::lifeline::lifeline;
use procpool_os::{ControlPage, Image, anchor, socket};
use procpool_tests::{Traces, Watched, alone, open_descriptors, patiently};
use procpool_wire::{Event, PROTOCOL_VERSION, Refusal, Setup, Start, frame};
use rustix::fs::OFlags;
use tempfile::TempDir;
use tokio::runtime::Builder;

procpool_os::before_main!(become_a_worker_if_told_to);

fn become_a_worker_if_told_to() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--procpool-worker") {
        let name = arguments.next().expect("the pool's name");
        if let Some((fault, directory)) = name.rsplit_once(' ') {
            fail_while_broken(fault, Path::new(directory));
        }
    }
    procpool::init();
}

/// Notes the start, and fails as long as the directory has the file that asks for it.
fn fail_while_broken(fault: &str, directory: &Path) {
    let starts = directory.join("starts");
    let file = File::options().append(true).create(true).open(starts);
    // In one write, since workers that start at the same time write at the same time.
    let line = format!("{}\n", std::process::id());
    file.expect("a log")
        .write_all(line.as_bytes())
        .expect("room for a line");
    if !directory.join("broken").exists() {
        return;
    }
    match fault {
        "exits" => std::process::exit(7),
        "hangs" => loop {
            std::thread::park();
        },
        other => panic!("there is no fault {other:?}"),
    }
}

/// An executable whose workers fail until it is repaired.
struct Broken {
    fault: &'static str,
    directory: TempDir,
}

impl Broken {
    fn that(fault: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        File::create(directory.path().join("broken")).unwrap();
        Broken { fault, directory }
    }

    fn mend(&self) {
        fs::remove_file(self.directory.path().join("broken")).unwrap();
    }

    fn builder(&self) -> procpool::Builder {
        let name = format!("{} {}", self.fault, self.directory.path().display());
        ProcessPool::builder().workers(1).name(name)
    }

    /// Returns the process ids of all workers started so far.
    fn starts(&self) -> Vec<u32> {
        let starts = fs::read_to_string(self.directory.path().join("starts")).unwrap();
        starts.lines().map(|pid| pid.parse().unwrap()).collect()
    }
}

fn double(x: u64) -> u64 {
    x * 2
}

fn texts(error: &TaskError) -> String {
    let source = error.source().map(ToString::to_string);
    format!("{error}: {}", source.unwrap_or_default())
}

/// Submits tasks until one succeeds, as a program does after it has repaired the cause.
async fn recovers(pool: &ProcessPool) {
    patiently(async {
        loop {
            match pool.run_in_process(double, 21).await {
                Ok(result) => return assert_eq!(result, 42),
                Err(error) => assert!(error.is_worker_start(), "{error:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_exits_before_it_is_ready_fails_the_waiting_tasks() {
    let broken = Broken::that("exits");
    let pool = broken.builder().build().unwrap();
    let tasks: Vec<_> = (0..10).map(|x| pool.run_in_process(double, x)).collect();
    for end in patiently(futures::future::join_all(tasks)).await {
        let texts = texts(&end.unwrap_err());
        assert!(
            texts.starts_with("the worker ended before it was ready: worker ")
                && texts.ends_with(" exited with code 7"),
            "{texts}"
        );
    }
}

#[tokio::test]
async fn attempts_to_start_a_worker_back_off() {
    let began = Instant::now();
    let broken = Broken::that("exits");
    let pool = broken.builder().workers(1).build().unwrap();
    for x in 0..4 {
        let end = patiently(pool.run_in_process(double, x)).await;
        assert!(end.unwrap_err().is_worker_start());
    }
    assert_backed_off(broken.starts().len(), began);
}

#[tokio::test]
async fn many_workers_that_fail_together_do_not_make_more_attempts() {
    let began = Instant::now();
    let broken = Broken::that("exits");
    let pool = broken.builder().workers(8).build().unwrap();
    for x in 0..3 {
        let end = patiently(pool.run_in_process(double, x)).await;
        assert!(end.unwrap_err().is_worker_start());
    }
    // All eight at once, then one at a time.
    assert_backed_off(broken.starts().len() - 7, began);
}

/// The pauses are 100 ms, 200 ms, 400 ms and so on.
#[track_caller]
fn assert_backed_off(attempts: usize, began: Instant) {
    let took = began.elapsed();
    let pauses = (1..attempts).map(|pause| 2_u64.pow(pause as u32 - 1).min(20) * 100);
    let at_least = Duration::from_millis(pauses.sum());
    assert!(took >= at_least, "{attempts} attempts in {took:?}");
}

#[tokio::test]
async fn a_pool_recovers_when_the_cause_is_gone() {
    let broken = Broken::that("exits");
    let pool = broken.builder().build().unwrap();
    let end = patiently(pool.run_in_process(double, 21)).await;
    assert!(end.unwrap_err().is_worker_start());
    broken.mend();
    recovers(&pool).await;
}

#[test]
fn workers_that_fail_to_start_leave_nothing() {
    alone(|| {
        let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let broken = Broken::that("exits");
            let before = Traces::now();
            let pool = broken.builder().workers(4).build().unwrap();
            for x in 0..3 {
                let end = patiently(pool.run_in_process(double, x)).await;
                assert!(end.unwrap_err().is_worker_start());
            }
            drop(pool);
            before.are_back().await;
        });
    });
}

#[tokio::test]
async fn a_worker_that_hangs_before_it_is_ready_is_killed_at_the_startup_timeout() {
    let broken = Broken::that("hangs");
    let limit = Duration::from_secs(2);
    let pool = broken.builder().startup_timeout(limit).build().unwrap();
    let error = patiently(pool.run_in_process(double, 21))
        .await
        .unwrap_err();
    let TaskError::WorkerStart(start) = &error else {
        panic!("{error:?}");
    };
    assert!(start.is_timed_out(), "{error:?}");
    assert_eq!(error.to_string(), "the worker was not ready within 2s");
    let first = Watched::new(broken.starts()[0]);
    broken.mend();
    first.ended();
    recovers(&pool).await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_worker_that_hangs_before_it_is_ready() {
    let broken = Broken::that("hangs");
    let pool = broken.builder().build().unwrap();
    patiently(async {
        while broken.directory.path().join("starts").metadata().is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    patiently(pool.shutdown()).await;
}

#[tokio::test]
async fn a_worker_has_exactly_the_environment_of_its_parent() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let of_worker = pool.run_in_process(|()| std::env::vars().collect::<BTreeSet<_>>(), ());
    let own: BTreeSet<_> = std::env::vars().collect();
    assert_eq!(patiently(of_worker).await.unwrap(), own);
    let of_grandchild = pool.run_in_process(|()| run("cat", "/proc/self/environ"), ());
    let of_child = run("cat", "/proc/self/environ");
    let sorted = |text: &str| -> BTreeSet<String> { text.split('\0').map(Into::into).collect() };
    let of_grandchild = patiently(of_grandchild).await.unwrap();
    assert_eq!(sorted(&of_grandchild), sorted(&of_child));
}

/// A worker is spawned with all signals blocked.
#[tokio::test]
async fn a_function_blocks_no_signal() {
    fn blocked((): ()) -> String {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("SigBlk:"));
        line.unwrap().to_owned()
    }
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let blocked = pool.run_in_process(blocked, ()).await.unwrap();
    assert_eq!(blocked, "SigBlk:\t0000000000000000");
}

#[tokio::test]
async fn no_close_on_exec_descriptor_of_the_parent_is_in_a_worker() {
    let mine = tempfile::NamedTempFile::new().unwrap();
    let path = mine.path().to_str().unwrap().to_owned();
    assert!(open_descriptors().contains(&path));
    let pools = [(); 3].map(|()| ProcessPool::builder().workers(1).build().unwrap());
    for pool in &pools {
        // Now all workers are running.
        patiently(pool.run_in_process(|()| (), ())).await.unwrap();
    }
    for pool in &pools {
        let in_worker = patiently(pool.run_in_process(|()| open_descriptors(), ()))
            .await
            .unwrap();
        assert!(!in_worker.contains(&path), "{in_worker:?}");
        let inherited = run("ls", "/proc/self/fd").lines().count() - 4;
        // The three standard descriptors, its socket and its lifeline.
        assert_eq!(in_worker.len(), 5 + inherited, "{in_worker:?}");
    }
}

#[tokio::test]
async fn a_process_that_a_task_starts_inherits_the_standard_descriptors_and_the_lifeline() {
    let pool = ProcessPool::builder().workers(1).build().unwrap();
    let in_grandchild = pool.run_in_process(|()| run("ls", "/proc/self/fd"), ());
    let inherited = patiently(in_grandchild).await.unwrap();
    // In a child of this test: 0, 1, 2, and what `ls` itself opens.
    let ordinary = run("ls", "/proc/self/fd");
    let added: Vec<u32> = inherited
        .lines()
        .filter(|number| !ordinary.lines().any(|other| other == *number))
        .map(|number| number.parse().unwrap())
        .collect();
    // The read end of the lifeline, with a high number. Through it the kernel kills this process, too, when the
    // parent dies, even after the worker is gone.
    assert!(
        matches!(added[..], [number] if number >= 100),
        "{inherited}"
    );
    assert_eq!(inherited.lines().count(), ordinary.lines().count() + 1);
}

fn run(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_program_without_init_gets_an_error_that_says_what_to_add_and_starts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let runs = directory.path().join("runs");
    let output = Command::new(env!("CARGO_BIN_EXE_forgot_init"))
        .arg(&runs)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    for line in lines {
        assert!(line.contains("call `procpool::init()` in the first line of `main`"));
        assert!(line.contains("`#[procpool::main]`"));
    }
    assert_eq!(fs::read_to_string(runs).unwrap().lines().count(), 1);
}

#[test]
fn the_attribute_works_with_arguments_and_a_result() {
    let attribute = |number: &str| {
        Command::new(env!("CARGO_BIN_EXE_attribute"))
            .arg(number)
            .output()
            .unwrap()
    };
    let output = attribute("21");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"42\n");
    let output = attribute("twenty-one");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

/// The program that doubles numbers.
struct Doubler {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Doubler {
    fn start(path: &Path) -> Self {
        let mut child = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Doubler {
            child,
            input,
            output,
        }
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    fn finish(mut self) {
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn init_and_tokios_own_attribute_work_together() {
    let mut doubler = Doubler::start(Path::new(env!("CARGO_BIN_EXE_doubler")));
    assert_eq!(doubler.ask("21"), "42");
    assert!(doubler.ask("die").ends_with("exited with code 13"));
    assert_eq!(doubler.ask("4"), "8");
    doubler.finish();
}

#[test]
fn new_workers_run_the_old_build_when_the_executable_is_replaced_or_deleted() {
    let replace = |path: &Path| {
        let other = path.with_extension("new");
        fs::copy(env!("CARGO_BIN_EXE_attribute"), &other).unwrap();
        fs::rename(other, path).unwrap();
    };
    let delete = |path: &Path| fs::remove_file(path).unwrap();
    for change in [&replace as &dyn Fn(&Path), &delete] {
        let directory = tempfile::tempdir().unwrap();
        let path = copy_of_doubler(&directory);
        let mut doubler = Doubler::start(&path);
        assert_eq!(doubler.ask("21"), "42");
        change(&path);
        assert!(doubler.ask("die").ends_with("exited with code 13"));
        assert_eq!(doubler.ask("4"), "8", "in a new worker");
        doubler.finish();
    }
}

#[test]
fn an_executable_that_lost_its_permission_is_the_cause_of_a_failed_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = copy_of_doubler(&directory);
    let permit = |mode| fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    let mut doubler = Doubler::start(&path);
    assert_eq!(doubler.ask("21"), "42");
    permit(0o600);
    assert!(doubler.ask("die").ends_with("exited with code 13"));
    assert_eq!(doubler.ask("4"), "no worker could be spawned");
    permit(0o700);
    while doubler.ask("4") != "8" {}
    doubler.finish();
}

/// Another process copies it. If this process did, a child that it starts meanwhile could inherit the file
/// open for writing, and running it would fail (`ETXTBSY`).
fn copy_of_doubler(directory: &TempDir) -> PathBuf {
    let path = directory.path().join("doubler");
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_doubler"))
        .arg(&path)
        .status();
    assert!(copied.unwrap().success());
    path
}

/// Starts a program as only a pool does.
fn start_by_hand(stdin: impl Into<Stdio>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doubler"))
        .args(["--procpool-worker", "by hand"])
        .stdin(stdin)
        .output()
        .unwrap()
}

#[track_caller]
fn assert_refused(output: &Output, reason: &str) {
    assert_eq!(output.status.code(), Some(71), "{output:?}");
    assert_eq!(output.stdout, b"");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.starts_with("procpool worker "), "{told}");
    assert!(told.contains(reason), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn a_worker_that_is_started_by_hand_reports_it_and_fails() {
    let reason = "`--procpool-worker` marks a worker that a procpool parent starts; it can't be \
                  started by hand: standard input is not the socket of a procpool parent";
    let (read_end, _held_open) = std::io::pipe().unwrap();
    assert_refused(&start_by_hand(read_end), reason);
    assert_refused(&start_by_hand(tempfile::tempfile().unwrap()), reason);
    assert_refused(&start_by_hand(Stdio::null()), reason);
    let (_terminal, stdin) = terminal();
    assert_refused(&start_by_hand(stdin), reason);
}

#[test]
fn a_worker_whose_socket_has_no_peer_reports_it_and_fails() {
    let (stdin, other_end) = UnixStream::pair().unwrap();
    drop(other_end);
    let reason = "the parent closed the socket before it said anything";
    assert_refused(&start_by_hand(OwnedFd::from(stdin)), reason);

    let (stdin, mut other_end) = UnixStream::pair().unwrap();
    other_end.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let output = start_by_hand(OwnedFd::from(stdin));
    assert_refused(&output, "the reserved bytes of a frame header are not zero");
    let mut told = Vec::new();
    // The connection may be reset, because it was closed with unread bytes.
    let _ = other_end.read_to_end(&mut told);
    assert_eq!(told, b"", "nothing is said to a stranger");
}

/// Returns the answer of a worker of that executable to a parent's first message.
fn answer_of(program: &Path, start: &Start) -> Event {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (_page, page) = ControlPage::create().unwrap();
    let (_lifeline, lifeline) = lifeline().unwrap();
    let mut bytes = Vec::new();
    procpool_wire::Command::encode_start(start, &mut bytes).unwrap();
    let passed = [page.as_fd(), lifeline.as_fd()];
    let sent = socket::send_with_descriptors(&ours, &bytes, &passed);
    assert_eq!(sent.unwrap(), bytes.len());
    let mut worker = Command::new(program)
        .args(["--procpool-worker", "other"])
        .stdin(OwnedFd::from(theirs))
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut stream = BytesMut::new();
    let frame = loop {
        if let Some(frame) = frame::take(&mut stream).unwrap() {
            break frame;
        }
        let received = socket::receive_into(&ours, &mut stream).unwrap();
        assert!(received > 0, "it says nothing");
    };
    drop(ours);
    worker.wait().unwrap();
    Event::decode(frame).unwrap()
}

#[test]
fn a_worker_refuses_a_parent_of_another_build_or_another_version() {
    let own = std::env::current_exe().unwrap();
    let start = Start {
        version: PROTOCOL_VERSION,
        anchor: anchor(),
        identity: Image::current().unwrap().identity().as_bytes().to_vec(),
        setup: Setup::default(),
    };
    assert!(matches!(answer_of(&own, &start), Event::Ready));

    let other = Path::new(env!("CARGO_BIN_EXE_doubler"));
    let answer = answer_of(other, &start);
    assert!(
        matches!(answer, Event::Refused(Refusal::Build(_))),
        "{answer:?}"
    );

    // Each of the two differences is enough.
    let mut identity = start.identity.clone();
    *identity.last_mut().unwrap() ^= 1;
    let anchor = start.anchor + 1;
    for start in [
        Start {
            identity,
            ..start.clone()
        },
        Start {
            anchor,
            ..start.clone()
        },
    ] {
        let answer = answer_of(&own, &start);
        assert!(
            matches!(answer, Event::Refused(Refusal::Build(_))),
            "{answer:?}"
        );
    }

    let later = Start {
        version: PROTOCOL_VERSION + 1,
        ..start
    };
    let answer = answer_of(&own, &later);
    let Event::Refused(Refusal::Version { parent, worker }) = answer else {
        panic!("it is another version: {answer:?}");
    };
    assert_eq!((parent, worker), (PROTOCOL_VERSION + 1, PROTOCOL_VERSION));
}

/// Both ends of a new terminal.
fn terminal() -> (OwnedFd, OwnedFd) {
    let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY;
    let terminal = rustix::pty::openpt(flags | rustix::pty::OpenptFlags::CLOEXEC).unwrap();
    rustix::pty::grantpt(&terminal).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let name = rustix::pty::ptsname(&terminal, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let stdin = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
    (terminal, stdin)
}
