//! A worker that breaks the protocol costs itself and the task that it runs, and nothing else.
//!
//! This executable is its own hostile worker: the first worker of each pool follows the script in the
//! pool's name, and all later ones are ordinary. So there is no `#[procpool::test]` in this file, which
//! would make every worker an ordinary one.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::error::Error;
use std::fs;
use std::os::fd::IntoRawFd;
use std::path::Path;
use std::process::exit;
use std::time::Duration;

use futures::future::{select_all, try_join_all};
use procpool::{ProcessPool, TaskError};
use procpool_os::Segment as Memory;
use procpool_tests::{Gate, Impostor, Stage, alone, answer, patiently, visit};
use procpool_wire::{DispatchId, Event, Refusal, Segment, Segments, frame};
use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};
use rustix::process::{Signal, getpid, kill_process};

procpool_os::before_main!(become_a_worker_if_told_to);

fn become_a_worker_if_told_to() {
    Stage::enter(misbehave);
}

fn say(impostor: &Impostor, segments: Segments) {
    let mut bytes = Vec::new();
    segments.encode_up(&mut bytes).expect("fits a frame");
    impostor.send(&bytes);
}

fn lend(impostor: &Impostor, attached: &[Segment]) {
    say(
        impostor,
        Segments {
            attached: attached.to_vec(),
            ..Segments::default()
        },
    );
}

fn lent(number: u32, size: u64, len: u64) -> Segment {
    Segment::Lent {
        id: 1,
        number,
        size,
        len,
    }
}

fn of_id(id: u64, number: u32) -> Segment {
    Segment::Lent {
        id,
        number,
        size: 4096,
        len: 10,
    }
}

/// A memory file that stays open, by its number.
fn memory(size: u64) -> u32 {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = rustix::fs::memfd_create(c"hostile", flags).expect("a file");
    rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size).expect("memory");
    file.into_raw_fd().unsigned_abs()
}

fn sealed(size: u64) -> u32 {
    let segment = Memory::create(usize::try_from(size).expect("small")).expect("memory");
    let number = segment.number();
    std::mem::forget(segment);
    number
}

fn sparse() -> u32 {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = rustix::fs::memfd_create(c"hostile", flags).expect("a file");
    rustix::fs::ftruncate(&file, 1 << 30).expect("a size");
    let seals = SealFlags::SHRINK | SealFlags::GROW;
    rustix::fs::fcntl_add_seals(&file, seals).expect("seals");
    file.into_raw_fd().unsigned_abs()
}

/// The result that the impostor gives for any task.
const FALSEHOOD: u64 = 7;

fn misbehave(script: &str, directory: &Path) -> ! {
    if script == "dies before the handshake" {
        exit(3);
    }
    let impostor = Impostor::enter();
    match script {
        "sends garbage in place of the handshake" => impostor.send(b"HTTP/1.1 400 Bad Request\r\n"),
        "answers before it is asked" => impostor.answer(NO_DISPATCH_ID, &FALSEHOOD),
        "stops before the handshake" => stop(),
        "refuses" => {
            let mut bytes = Vec::new();
            let refusal = Refusal::Build("it was made on a Tuesday".to_owned());
            Event::encode_refused(&refusal, &mut bytes).expect("a short reason");
            impostor.send(&bytes);
            exit(71);
        }
        _ => {
            impostor.send_ready();
            misbehave_when_ready(script, impostor, directory);
        }
    }
    sleep()
}

fn misbehave_when_ready(script: &str, mut impostor: Impostor, directory: &Path) {
    match script {
        "never reads" => sleep(),
        "reads a little of its task" => {
            let mut bytes = [0; 10];
            procpool_os::socket::receive(impostor.socket(), &mut bytes).expect("a task");
            exit(6);
        }
        "hangs up while idle" => {
            impostor.hang_up();
            sleep();
        }
        _ => {}
    }
    let task = impostor.next_run().dispatch_id;
    match script {
        "sends garbage" => impostor.send(b"one fish, two fish, red fish, blue fish"),
        "announces four gigabytes" => impostor.send(&[131, 0, 0, 0, 255, 255, 255, 255]),
        "announces a gigabyte" => {
            let header = frame::header(131, frame::MAX_BODY_LEN).expect("as long as it may be");
            impostor.send(&header);
            impostor.send(&[0; 10]);
            exit(9);
        }
        "sends half a frame" => {
            let whole = answer(task, &"a result of some length");
            impostor.send(&whole[..whole.len() / 2]);
            exit(4);
        }
        "leaves garbage" => {
            impostor.leave(b"one fish, two fish, red fish, blue fish");
            exit(4);
        }
        "leaves half an answer" => {
            let whole = answer(task, &"a result of some length");
            impostor.leave(&whole[..whole.len() / 2]);
            exit(4);
        }
        "leaves two answers" => {
            let twice = [answer(task, &FALSEHOOD), answer(task, &FALSEHOOD)].concat();
            impostor.leave(&twice);
            exit(4);
        }
        "is ready twice" => impostor.send_ready(),
        "answers a broadcast it was not given" => {
            let mut bytes = Vec::new();
            Event::encode_broadcast_ended(&None, &mut bytes).expect("a short answer");
            impostor.send(&bytes);
        }
        "answers twice at once" => {
            let twice = [answer(task, &FALSEHOOD), answer(task, &FALSEHOOD)].concat();
            impostor.send(&twice);
        }
        "answers a task again" => {
            impostor.answer(task, &FALSEHOOD);
            let _ = impostor.next_run();
            impostor.answer(task, &FALSEHOOD);
        }
        "answers a task it was not given" => {
            let number = task.number + 1000;
            impostor.answer(DispatchId { number, ..task }, &FALSEHOOD);
        }
        "answers a slot that is not there" => {
            let slot = u16::MAX;
            impostor.answer(DispatchId { slot, ..task }, &FALSEHOOD);
        }
        "lends a file that can shrink" => lend(&impostor, &[lent(memory(4096), 4096, 10)]),
        "lends memory of another size" => lend(&impostor, &[lent(sealed(4096), 8192, 10)]),
        "lends memory with holes" => lend(&impostor, &[lent(sparse(), 1 << 30, 10)]),
        "lends more bytes than there are" => lend(&impostor, &[lent(sealed(4096), 4096, 4097)]),
        "lends a descriptor that it has not" => {
            lend(&impostor, &[lent(u32::MAX, 4096, 10)]);
        }
        "lends a standard stream" => lend(&impostor, &[lent(0, 4096, 10)]),
        "lends very much" => {
            let number = sealed(4096);
            let all: Vec<_> = (0..5000).map(|id| of_id(id, number)).collect();
            lend(&impostor, &all);
        }
        "lends what changes" => {
            let number = sealed(4096);
            let (one, other) = (
                of_id(1, number),
                Segment::Lent {
                    id: 1,
                    number,
                    size: 4096,
                    len: 9,
                },
            );
            lend(&impostor, &[one, other]);
        }
        "claims what it was not lent" => lend(&impostor, &[Segment::Own(1)]),
        "gives back what it was not lent" => say(
            &impostor,
            Segments {
                returned: vec![(1, 1)],
                ..Segments::default()
            },
        ),
        "hangs up" => impostor.hang_up(),
        "stops" => stop(),
        "exits after its answer" => {
            impostor.answer(task, &FALSEHOOD);
            exit(0);
        }
        "leaves its socket to a reader" => {
            let reader = "echo $$ >heir; exec cat >/dev/null";
            impostor.bequeath(directory, reader);
            exit(5);
        }
        "leaves its socket to a writer" => {
            let writer = "echo $$ >heir; exec cat /dev/zero";
            impostor.bequeath(directory, writer);
            exit(5);
        }
        "answers with something else" => loop {
            impostor.answer(task, &"a text");
            let next = impostor.next_run().dispatch_id;
            impostor.answer(next, &FALSEHOOD);
        },
        "always says that it listens" => {
            impostor.pretend_to_listen();
            impostor.answer(task, &FALSEHOOD);
            loop {
                let next = impostor.next_run().dispatch_id;
                impostor.wait_until_unawaited();
                impostor.answer(next, &FALSEHOOD);
            }
        }
        "answers byte by byte" => {
            for byte in answer(task, &FALSEHOOD) {
                impostor.send(&[byte]);
            }
        }
        "has always just begun" => loop {
            impostor.restart_clock(task);
        },
        "has finished and has no result" => impostor.pretend_to_finish(task),
        "holds its task" => {}
        other => panic!("there is no script {other:?}"),
    }
    sleep()
}

const NO_DISPATCH_ID: DispatchId = DispatchId { slot: 0, number: 1 };

fn sleep() -> ! {
    loop {
        std::thread::park();
    }
}

fn stop() {
    kill_process(getpid(), Signal::STOP).expect("it is its own process");
}

/// Runs a script whose first task fails, and checks the consequences; returns the error.
async fn first_task_fails(stage: &Stage) -> TaskError {
    let pool = stage.pool();
    let error = patiently(pool.run_in_process(double, 21)).await;
    let error = error.unwrap_err();
    stage.impostor().ended();
    goes_on(&pool).await;
    error
}

fn double(x: u64) -> u64 {
    x * 2
}

/// Checks that the pool has an ordinary worker now.
async fn goes_on(pool: &ProcessPool) {
    assert_eq!(
        patiently(pool.run_in_process(double, 21)).await.unwrap(),
        42
    );
    let worker = pool.run_in_process(|()| procpool::worker::id(), ());
    assert_eq!(patiently(worker).await.unwrap(), Some(2));
}

#[track_caller]
fn assert_broke_protocol(error: &TaskError, how: &str) {
    let TaskError::WorkerExited(exit) = error else {
        panic!("{error:?}");
    };
    assert_eq!(exit.signal(), Some(9), "it was killed");
    let pid = exit.pid();
    assert_eq!(
        error.to_string(),
        format!("worker {pid} was killed because it broke the protocol: {how}")
    );
}

#[track_caller]
fn assert_not_started(error: &TaskError, text: &str, source: Option<&str>) {
    assert!(error.is_worker_start(), "{error:?}");
    assert_eq!(error.to_string(), text);
    let cause = error.source().map(ToString::to_string);
    match (cause, source) {
        (None, None) => {}
        (Some(cause), Some(source)) => assert!(cause.ends_with(source), "{cause}"),
        (cause, _) => panic!("the source is {cause:?}"),
    }
}

#[tokio::test]
async fn a_worker_that_dies_before_the_handshake_fails_to_start() {
    let error = first_task_fails(&Stage::of("dies before the handshake")).await;
    let text = "the worker ended before it was ready";
    assert_not_started(&error, text, Some("exited with code 3"));
}

#[tokio::test]
async fn a_worker_that_refuses_says_why() {
    let error = first_task_fails(&Stage::of("refuses")).await;
    let text = "the worker refused to start";
    assert_not_started(&error, text, Some("made on a Tuesday"));
}

#[tokio::test]
async fn garbage_instead_of_the_handshake_is_a_failed_start() {
    let error = first_task_fails(&Stage::of("sends garbage in place of the handshake")).await;
    let text = "the started process does not behave like a worker: the reserved bytes of a frame header \
                are not zero";
    assert_not_started(&error, text, None);
}

#[tokio::test]
async fn a_result_instead_of_the_handshake_is_a_failed_start() {
    let error = first_task_fails(&Stage::of("answers before it is asked")).await;
    let text = "the started process does not behave like a worker: it answered before it was asked";
    assert_not_started(&error, text, None);
}

#[tokio::test]
async fn a_worker_that_is_stopped_before_the_handshake_fails_to_start_in_time() {
    let stage = Stage::of("stops before the handshake");
    let limit = Duration::from_secs(2);
    let pool = stage.builder().startup_timeout(limit).build().unwrap();
    let error = patiently(pool.run_in_process(double, 21))
        .await
        .unwrap_err();
    assert_not_started(&error, "the worker was not ready within 2s", None);
    stage.impostor().ended();
    goes_on(&pool).await;
}

#[tokio::test]
async fn a_worker_that_sends_garbage_is_killed() {
    let error = first_task_fails(&Stage::of("sends garbage")).await;
    let how = "the reserved bytes of a frame header are not zero";
    assert_broke_protocol(&error, how);
}

#[tokio::test]
async fn a_worker_that_announces_too_much_is_killed_before_it_can_send_it() {
    let error = first_task_fails(&Stage::of("announces four gigabytes")).await;
    let how = "a frame announces a body of 4294967295 bytes, the limit is 1073741824";
    assert_broke_protocol(&error, how);
}

#[test]
fn a_worker_that_announces_much_and_sends_little_uses_little_memory() {
    alone(|| {
        on_a_runtime(async {
            let before = peak_of_address_space();
            let error = first_task_fails(&Stage::of("announces a gigabyte")).await;
            let TaskError::WorkerExited(exit) = error else {
                panic!("{error:?}");
            };
            assert_eq!(exit.code(), Some(9));
            let grown = peak_of_address_space() - before;
            assert!(grown < frame::MAX_BODY_LEN / 2, "{grown} bytes");
        });
    });
}

fn on_a_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

/// The virtual memory size in bytes, which includes reserved memory, unlike the resident size.
fn peak_of_address_space() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    let kibibytes = peak.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn a_worker_that_dies_in_the_middle_of_a_frame_gives_no_result() {
    let error = first_task_fails(&Stage::of("sends half a frame")).await;
    let TaskError::WorkerExited(exit) = &error else {
        panic!("{error:?}");
    };
    assert_eq!((exit.code(), exit.signal()), (Some(4), None));
    assert!(error.to_string().ends_with("exited with code 4"));
}

/// Tests messages in shared memory, from which the parent takes the rest after a worker's death.
#[tokio::test]
async fn messages_left_in_shared_memory_are_checked_like_those_from_the_socket() {
    for script in ["leaves garbage", "leaves half an answer"] {
        let error = first_task_fails(&Stage::of(script)).await;
        assert!(error.is_worker_exited(), "{script}: {error:?}");
    }
    let stage = Stage::of("leaves two answers");
    let pool = stage.pool();
    let first = patiently(pool.run_in_process(double, 21)).await;
    assert_eq!(first.unwrap(), FALSEHOOD);
    stage.impostor().ended();
    goes_on(&pool).await;
}

#[tokio::test]
async fn a_worker_that_lends_what_cannot_be_shared_is_killed() {
    let cannot = |size: u64, what: &str| {
        format!(
            "it lends what can't be shared: it is not a sealed memory file of {size} bytes: {what}"
        )
    };
    for (script, how) in [
        (
            "lends a file that can shrink",
            cannot(4096, "it is not sealed"),
        ),
        (
            "lends memory of another size",
            cannot(8192, "it has another size"),
        ),
        ("lends memory with holes", cannot(1 << 30, "it has holes")),
        (
            "lends more bytes than there are",
            "it lends more bytes than there are".to_owned(),
        ),
        (
            "lends a descriptor that it has not",
            cannot(4096, "there is no such descriptor"),
        ),
        (
            "lends a standard stream",
            cannot(4096, "it is not a memory file"),
        ),
        (
            "lends very much",
            "it lends too much shared memory".to_owned(),
        ),
        (
            "lends what changes",
            "it lends shared memory that has changed while it was lent".to_owned(),
        ),
        (
            "claims what it was not lent",
            "it names shared memory that it was not lent".to_owned(),
        ),
        (
            "gives back what it was not lent",
            "it gave back memory that it was not lent".to_owned(),
        ),
    ] {
        let error = first_task_fails(&Stage::of(script)).await;
        assert_broke_protocol(&error, &how);
    }
    let mappings = fs::read_to_string("/proc/self/maps").unwrap();
    assert!(!mappings.contains("procpool-shared") && !mappings.contains("hostile (deleted)"));
}

#[tokio::test]
async fn a_worker_that_starts_twice_is_killed() {
    let error = first_task_fails(&Stage::of("is ready twice")).await;
    assert_broke_protocol(&error, "it started twice");
}

#[tokio::test]
async fn a_worker_that_answers_a_broadcast_it_was_not_given_is_killed() {
    let stage = Stage::of("answers a broadcast it was not given");
    let error = first_task_fails(&stage).await;
    assert_broke_protocol(&error, "it answered a broadcast that it was not given");
}

#[tokio::test]
async fn the_first_of_two_results_counts_and_the_second_kills_the_worker() {
    let stage = Stage::of("answers twice at once");
    let pool = stage.pool();
    let first = patiently(pool.run_in_process(double, 21)).await;
    assert_eq!(first.unwrap(), FALSEHOOD);
    stage.impostor().ended();
    goes_on(&pool).await;
}

#[tokio::test]
async fn a_repeated_result_is_not_taken_for_that_of_the_next_task() {
    let stage = Stage::of("answers a task again");
    let pool = stage.pool();
    let first = patiently(pool.run_in_process(double, 21)).await;
    assert_eq!(first.unwrap(), FALSEHOOD);
    // Another function, which can't have been prefetched.
    let second = patiently(pool.run_in_process(|()| 0_u64, ())).await;
    assert_broke_protocol(
        &second.unwrap_err(),
        "it answered a task that it was not given",
    );
    stage.impostor().ended();
    goes_on(&pool).await;
}

#[tokio::test]
async fn a_result_of_an_unknown_task_kills_the_worker() {
    for script in [
        "answers a task it was not given",
        "answers a slot that is not there",
    ] {
        let error = first_task_fails(&Stage::of(script)).await;
        assert_broke_protocol(&error, "it answered a task that it was not given");
    }
}

#[tokio::test]
async fn a_worker_that_closes_its_socket_without_exiting_is_killed() {
    let error = first_task_fails(&Stage::of("hangs up")).await;
    let TaskError::WorkerExited(exit) = &error else {
        panic!("{error:?}");
    };
    let pid = exit.pid();
    assert_eq!(
        error.to_string(),
        format!("worker {pid} was killed because it closed its socket")
    );
}

#[tokio::test]
async fn a_task_that_was_not_started_before_the_socket_closed_runs_on_another_worker() {
    let stage = Stage::of("hangs up while idle");
    let pool = stage.pool();
    let task = patiently(pool.run_in_process(double, 21)).await;
    assert_eq!(task.unwrap(), 42);
    stage.impostor().ended();
    goes_on(&pool).await;
}

#[tokio::test]
async fn a_worker_that_is_stopped_in_a_task_is_killed_at_the_tasks_limit() {
    let stage = Stage::of("stops");
    let pool = stage.pool();
    let hasty = pool.with_timeout(Duration::from_secs(1));
    let error = patiently(hasty.run_in_process(double, 21)).await;
    assert!(error.unwrap_err().is_timed_out());
    stage.impostor().ended();
    goes_on(&pool).await;
}

#[tokio::test]
async fn a_worker_that_is_stopped_in_a_task_is_killed_when_the_task_is_dropped() {
    let stage = Stage::of("stops");
    let pool = stage.pool();
    let task = pool.run_in_process(double, 21);
    stage.impostor_is_stopped().await;
    drop(task);
    stage.impostor().ended();
    goes_on(&pool).await;
}

#[tokio::test]
async fn a_worker_that_exits_after_its_result_loses_nothing() {
    let stage = Stage::of("exits after its answer");
    let pool = stage.pool();
    let first = pool.run_in_process(double, 21);
    let others: Vec<_> = (0..100).map(|x| pool.run_in_process(double, x)).collect();
    assert_eq!(patiently(first).await.unwrap(), FALSEHOOD);
    let others = patiently(try_join_all(others)).await;
    assert!(others.unwrap().into_iter().eq((0..100).map(|x| x * 2)));
    goes_on(&pool).await;
}

#[tokio::test]
async fn a_worker_that_dies_while_a_large_argument_is_sent_has_not_started_the_task() {
    let stage = Stage::of("reads a little of its task");
    let pool = stage.pool();
    let task = pool.run_in_process(|bytes: Vec<u8>| bytes.len(), vec![1; 32 << 20]);
    assert_eq!(patiently(task).await.unwrap(), 32 << 20);
    goes_on(&pool).await;
}

#[tokio::test]
async fn a_process_that_keeps_a_dead_workers_socket_open_blocks_nothing() {
    for script in [
        "leaves its socket to a reader",
        "leaves its socket to a writer",
    ] {
        let stage = Stage::of(script);
        let error = first_task_fails(&stage).await;
        assert!(error.is_worker_exited(), "{error:?}");
        // It exits by itself, because no process has kept the other end.
        stage.heir().await.ended();
    }
}

#[tokio::test]
async fn other_workers_go_on_while_one_misbehaves() {
    for script in [
        "sends garbage",
        "announces four gigabytes",
        "sends half a frame",
        "is ready twice",
        "answers a slot that is not there",
        "hangs up",
        "leaves its socket to a writer",
    ] {
        let (stage, gate) = (Stage::of(script), Gate::open());
        let pool = stage.builder().workers(2).build().unwrap();
        // One is the impostor's. The other one runs in the ordinary worker until it is let go.
        let tasks = [(); 2].map(|()| pool.run_in_process(visit, gate.path()));
        let visitor = gate.visitor().await;
        let (failed, _, other) = patiently(select_all(tasks)).await;
        assert!(failed.unwrap_err().is_worker_exited(), "{script}");
        stage.impostor().ended();
        let honest = visitor.pid;
        visitor.let_go().await;
        let others = patiently(try_join_all(other)).await;
        assert_eq!(others.unwrap(), [honest], "{script}");
    }
}

#[tokio::test]
async fn a_result_of_another_type_fails_the_task_and_keeps_the_worker() {
    let stage = Stage::of("answers with something else");
    let pool = stage.pool();
    let error = patiently(pool.run_in_process(double, 21))
        .await
        .unwrap_err();
    assert!(error.is_decode(), "{error:?}");
    assert!(
        error
            .to_string()
            .starts_with("the result can't be decoded:"),
        "{error}"
    );
    let next = patiently(pool.run_in_process(double, 21)).await;
    assert_eq!(next.unwrap(), FALSEHOOD);
}

#[tokio::test]
async fn a_result_may_arrive_byte_by_byte() {
    let stage = Stage::of("answers byte by byte");
    let pool = stage.pool();
    let task = patiently(pool.run_in_process(double, 21)).await;
    assert_eq!(task.unwrap(), FALSEHOOD);
    assert!(stage.impostor().is_alive());
}

/// The parent stays awake for the result of a spinning worker, but not forever.
#[tokio::test]
async fn a_worker_that_falsely_claims_to_spin_does_not_keep_the_parent_awake_forever() {
    let stage = Stage::of("always says that it listens");
    let pool = stage.pool();
    for _ in 0..20 {
        let task = patiently(pool.run_in_process(double, 21)).await;
        assert_eq!(task.unwrap(), FALSEHOOD);
    }
    assert!(stage.impostor().is_alive());
}

#[tokio::test]
async fn a_limited_task_that_a_worker_never_starts_runs_on_another_worker() {
    let stage = Stage::of("never reads");
    let pool = stage.pool();
    let limited = pool.with_timeout(Duration::from_secs(2));
    // The limit counts from the start of the run, so this task has not used it up.
    let task = patiently(limited.run_in_process(double, 21)).await;
    assert_eq!(task.unwrap(), 42);
    stage.impostor().ended();
    goes_on(&pool).await;
}

#[tokio::test]
async fn a_worker_that_lies_about_its_start_is_still_killed_at_a_limit() {
    for script in ["has always just begun", "has finished and has no result"] {
        let stage = Stage::of(script);
        let pool = stage.pool();
        let hasty = pool.with_timeout(Duration::from_millis(300));
        let error = patiently(hasty.run_in_process(double, 21)).await;
        assert!(error.unwrap_err().is_timed_out(), "{script}");
        stage.impostor().ended();
        goes_on(&pool).await;
    }
}

#[tokio::test]
async fn a_worker_that_ignores_the_stop_request_does_not_block_a_shutdown() {
    let stage = Stage::of("holds its task");
    let pool = stage.pool();
    let task = pool.run_in_process(double, 21);
    let report = patiently(pool.shutdown_timeout(Duration::from_millis(50))).await;
    assert_eq!((report.killed_workers(), report.abandoned_tasks()), (1, 1));
    assert!(patiently(task).await.unwrap_err().is_pool_closed());
    stage.impostor().ended();

    let stage = Stage::of("answers byte by byte");
    let pool = stage.pool();
    patiently(pool.run_in_process(double, 21)).await.unwrap();
    patiently(pool.shutdown()).await;
    stage.impostor().ended();
}
